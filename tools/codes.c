/*
 * codes.c - numbers, hexadecimal, base64 and fields, read strictly.
 *
 * Every value has one form only.  A reader that took others would let the same
 * log be written in two ways, of which another verifier refuses one.
 */
#include <string.h>

#include "verify.h"

bool
field_is(Field field, const char *text)
{
	return field.length == strlen(text) && memcmp(field.at, text, field.length) == 0;
}

bool
field_starts(Field field, const char *text)
{
	return field.length >= strlen(text) && memcmp(field.at, text, strlen(text)) == 0;
}

bool
next_field(Field *rest, char separator, Field *field)
{
	const char *end;

	if (!rest->at)
		return false;
	end = memchr(rest->at, separator, rest->length);
	field->at = rest->at;
	field->length = end ? (size_t) (end - rest->at) : rest->length;
	rest->at = end ? end + 1 : NULL;
	rest->length = end ? rest->length - field->length - 1 : 0;
	return true;
}

bool
parse_number(Field field, uint64_t *number)
{
	uint64_t value = 0;

	/* 19 digits do not overflow 64 bits */
	if (field.length == 0 || field.length > 19 || (field.at[0] == '0' && field.length > 1))
		return false;
	for (size_t i = 0; i < field.length; i++)
	{
		if (field.at[i] < '0' || field.at[i] > '9')
			return false;
		value = value * 10 + (uint64_t) (field.at[i] - '0');
	}
	*number = value;
	return value <= INT64_MAX;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
parse_hex(Field field, uint8_t *bytes, size_t count)
{
	if (field.length != 2 * count)
		return false;
	for (size_t i = 0; i < count; i++)
	{
		int high = hex_digit(field.at[2 * i]);
		int low = hex_digit(field.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t) (high << 4 | low);
	}
	return true;
}

static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
parse_base64(Field field, uint8_t *bytes, size_t count)
{
	size_t	 digits = (count * 8 + 5) / 6;
	size_t	 done = 0;
	unsigned bits = 0;
	int		 bit_count = 0;

	if (field.length != (count + 2) / 3 * 4)
		return false;
	for (size_t i = 0; i < digits; i++)
	{
		int digit = base64_digit(field.at[i]);

		if (digit < 0)
			return false;
		bits = (bits << 6 | (unsigned) digit) & 0xfff;
		bit_count += 6;
		if (bit_count >= 8)
		{
			bit_count -= 8;
			bytes[done++] = (uint8_t) (bits >> bit_count);
		}
	}
	for (size_t i = digits; i < field.length; i++)
		if (field.at[i] != '=')
			return false;
	return (bits & ((1U << bit_count) - 1)) == 0;
}

bool
is_name(Field field)
{
	for (size_t i = 0; i < field.length; i++)
	{
		char c = field.at[i];

		if (c <= ' ' || c > '~' || c == '+')
			return false;
	}
	return field.length > 0;
}
