/*
 * audit_time.c - times as vendors' audits write them.
 */
#include "audit_time.h"

#define HOUR_SECS 3600

typedef struct Cursor
{
	const char *at;
	const char *end;
} Cursor;

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

static bool
pass(Cursor *cursor, char c)
{
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

static bool
pass_blanks(Cursor *cursor)
{
	const char *before = cursor->at;

	while (cursor->at < cursor->end && is_blank(*cursor->at))
		cursor->at++;
	return cursor->at > before;
}

/* What is neither letter, digit nor sign: blanks of whatever encoding, brackets, commas */
static void
pass_filling(Cursor *cursor)
{
	while (cursor->at < cursor->end && !is_letter(*cursor->at) && !is_digit(*cursor->at) && *cursor->at != '+' &&
		   *cursor->at != '-' && *cursor->at != ':')
		cursor->at++;
}

/* A number of so many digits; the result is how many it has, 0: none of these. */
static int
read_number(Cursor *cursor, int least, int most, int *result)
{
	const char *before = cursor->at;

	*result = 0;
	while (cursor->at < cursor->end && is_digit(*cursor->at) && cursor->at - before < most)
		*result = *result * 10 + (*cursor->at++ - '0');
	return cursor->at - before >= least ? (int) (cursor->at - before) : 0;
}

/* The month before the day: 2/25/2026 or 2/25/26 */
static bool
read_american_day(Cursor *cursor, AuditTime *time)
{
	int digits;

	if (!read_number(cursor, 1, 2, &time->month) || !pass(cursor, '/') || !read_number(cursor, 1, 2, &time->day) ||
		!pass(cursor, '/'))
		return false;
	digits = read_number(cursor, 2, 4, &time->year);
	if (digits == 2)
		time->year += 2000;
	return digits == 2 || digits == 4;
}

static bool
read_iso_day(Cursor *cursor, AuditTime *time)
{
	return read_number(cursor, 4, 4, &time->year) && pass(cursor, '-') && read_number(cursor, 1, 2, &time->month) &&
		   pass(cursor, '-') && read_number(cursor, 1, 2, &time->day);
}

static bool
read_day(Cursor *cursor, AuditTime *time)
{
	Cursor begin = *cursor;

	if (read_american_day(cursor, time))
		return (void) pass(cursor, ','), pass_blanks(cursor);
	*cursor = begin;
	if (!read_iso_day(cursor, time))
		return false;
	if (pass(cursor, 'T'))
		return true;
	(void) pass(cursor, ',');
	return pass_blanks(cursor);
}

/* .236 or ,236: microseconds; further digits are beyond what is kept */
static bool
read_fraction(Cursor *cursor, AuditTime *time)
{
	int digits;

	if (!pass(cursor, '.') && !pass(cursor, ','))
		return true;
	digits = read_number(cursor, 1, 6, &time->microsecond);
	if (digits == 0)
		return false;
	for (int i = digits; i < 6; i++)
		time->microsecond *= 10;
	while (cursor->at < cursor->end && is_digit(*cursor->at))
		cursor->at++;
	return true;
}

static bool
read_clock(Cursor *cursor, AuditTime *time)
{
	if (!read_number(cursor, 1, 2, &time->hour) || !pass(cursor, ':') || read_number(cursor, 2, 2, &time->minute) == 0)
		return false;
	time->second = time->microsecond = 0;
	if (!pass(cursor, ':'))
		return true;
	return read_number(cursor, 2, 2, &time->second) && read_fraction(cursor, time);
}

/* AM, p.m., ...: none is none; false: the hour is not one of a half of the day */
static bool
read_half(Cursor *cursor, AuditTime *time)
{
	Cursor begin = *cursor;
	char   half;

	if (cursor->at == cursor->end)
		return true;
	half = upper(*cursor->at++);
	(void) pass(cursor, '.');
	if ((half != 'A' && half != 'P') || cursor->at == cursor->end || upper(*cursor->at) != 'M')
	{
		*cursor = begin;
		return true;
	}
	cursor->at++;
	(void) pass(cursor, '.');
	if (time->hour < 1 || time->hour > 12)
		return false;
	time->hour = time->hour % 12 + (half == 'P' ? 12 : 0);
	return true;
}

/* +05:30, -0500, -5 */
static bool
read_offset(Cursor *cursor, AuditTime *time)
{
	bool west = pass(cursor, '-');
	int	 hours;
	int	 minutes = 0;

	if (!west && !pass(cursor, '+'))
		return false;
	if (!read_number(cursor, 1, 2, &hours) || hours > 15)
		return false;
	if (pass(cursor, ':') || (cursor->at < cursor->end && is_digit(*cursor->at)))
		if (!read_number(cursor, 2, 2, &minutes) || minutes > 59)
			return false;
	time->offset_secs = (hours * HOUR_SECS + minutes * 60) * (west ? -1 : 1);
	return true;
}

static bool
read_zone_name(Cursor *cursor, AuditTime *time)
{
	static const struct
	{
		const char *name;
		int			hours;
	} zones[] = {{"Z", 0},	  {"UTC", 0},  {"GMT", 0},	{"EST", -5}, {"EDT", -4}, {"CST", -6},
				 {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
	char name[4];
	int	 length = 0;

	while (cursor->at < cursor->end && is_letter(*cursor->at))
	{
		if (length == sizeof(name) - 1)
			return false;
		name[length++] = upper(*cursor->at++);
	}
	name[length] = '\0';
	for (int i = 0; i < lengthof(zones); i++)
		if (strcmp(name, zones[i].name) == 0)
		{
			time->offset_secs = zones[i].hours * HOUR_SECS;
			return true;
		}
	return false;
}

static bool
read_zone(Cursor *cursor, AuditTime *time)
{
	time->zoned = cursor->at < cursor->end;
	time->offset_secs = 0;
	if (!time->zoned)
		return true;
	return is_letter(*cursor->at) ? read_zone_name(cursor, time) : read_offset(cursor, time);
}

static bool
is_possible(const AuditTime *time)
{
	static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool			 leap = time->year % 4 == 0 && (time->year % 100 != 0 || time->year % 400 == 0);

	if (time->year < 1990 || time->year > 2200 || time->month < 1 || time->month > 12 || time->day < 1)
		return false;
	if (time->day > month_days[time->month - 1] + (leap && time->month == 2 ? 1 : 0))
		return false;
	return time->hour <= 23 && time->minute <= 59 && time->second <= 59;
}

bool
audit_time_read(const char *text, size_t length, AuditTime *result)
{
	Cursor cursor = {text, text + length};

	(void) pass_blanks(&cursor);
	while (cursor.end > cursor.at && (is_blank(cursor.end[-1]) || cursor.end[-1] == ')'))
		cursor.end--;
	if (!read_day(&cursor, result) || !read_clock(&cursor, result))
		return false;
	pass_filling(&cursor);
	if (!read_half(&cursor, result))
		return false;
	pass_filling(&cursor);
	return read_zone(&cursor, result) && cursor.at == cursor.end && is_possible(result);
}
