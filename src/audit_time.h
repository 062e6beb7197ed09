/*
 * audit_time.h - times as vendors' audits write them.
 *
 * Pure: characters in, numbers out; no setting (DateStyle, TimeZone), no
 * catalog, no error raised.  The server's own input would take "now" and
 * "yesterday", and the order of day and month from a setting.
 */
#ifndef CTLPR_AUDIT_TIME_H
#define CTLPR_AUDIT_TIME_H

#include "postgres.h"

typedef struct AuditTime
{
	int	 year; /* 1990 to 2200 */
	int	 month;
	int	 day;
	int	 hour;
	int	 minute;
	int	 second;
	int	 microsecond;
	bool zoned;		  /* a zone or an offset is written */
	int	 offset_secs; /* east of Greenwich, where zoned */
} AuditTime;

/*
 * Reads a time that takes up all of the text, but for blanks around it.
 *
 * Forms: 02/25/2026, 10:00:49 AM UTC, also without padding, comma, seconds or
 * the half of the day; 2026-02-25T10:00:49.236Z, also with a blank or an
 * offset.  The month stands before the day; a year of two digits is of this
 * century.  What stands between the time and AM may be any blank, the narrow one
 * of browsers too.  Zones are Z, UTC, GMT, those of the continental United States,
 * and offsets up to 15 hours.
 * Result: false: it is none, or of no day of the calendar.
 */
extern bool audit_time_read(const char *text, size_t length, AuditTime *result);

#endif
