/*
 * crash_point.c - places where a test kills the server.
 */
#include "postgres.h"

#include "crash_point.h"

#ifdef CTLPR_CRASH_POINTS

#include <signal.h>
#include <unistd.h>

#include "miscadmin.h"

#define CRASH_POINT_FILE "crash_point"

void
crash_point(const char *place)
{
	static int passed = 0;
	char	   named[64];
	int		   number;
	FILE	  *file = fopen(CRASH_POINT_FILE, "r"); /* no descriptor of the server's: this has to work anywhere */
	bool	   meant;

	if (!file)
		return;
	meant = fscanf(file, "%63s %d", named, &number) == 2 && strcmp(named, place) == 0;
	fclose(file);
	if (!meant || ++passed < number)
		return;
	unlink(CRASH_POINT_FILE);
	kill(PostmasterPid, SIGKILL);
	kill(MyProcPid, SIGKILL);
	pg_usleep(USECS_PER_SEC * 60);
}

#endif
