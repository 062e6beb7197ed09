/*
 * crash_point.h - places where a test kills the server.
 *
 * Compiled in with -DCTLPR_CRASH_POINTS alone, see test/long/crashes.sh.
 */
#ifndef CTLPR_CRASH_POINT_H
#define CTLPR_CRASH_POINT_H

#include "postgres.h"

#ifdef CTLPR_CRASH_POINTS
/*
 * Where the file crash_point in the data directory names this place and a
 * number, the server is gone (SIGKILL) when it has been passed so many times;
 * the file goes before, as the sign that it came to that.
 */
extern void crash_point(const char *place);
#define CRASH_POINT(place) crash_point(place)
#else
#define CRASH_POINT(place) ((void) 0)
#endif

#endif /* CTLPR_CRASH_POINT_H */
