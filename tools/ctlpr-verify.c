/*
 * ctlpr-verify.c - tells whether an exported log is the one that its checkpoints
 * were signed for, and if not, from which entry on.
 *
 * It follows docs/log-format.md and needs neither a server nor ctlpr.  The log
 * is read once, line by line; of the tree only the right edge is kept.  What the
 * log holds is never printed: numbers of entries, names of columns, origins.
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "verify.h"

#define SALT_SIZE	 16
#define SALTED_COUNT 5
#define TEXT_FIELDS	 40 /* the first word and the columns */

static const char usage[] = "usage: ctlpr-verify --key KEY [--key KEY]... [--from-checkpoint FILE] LOG CHECKPOINTS...\n"
							"       ctlpr-verify --no-signatures [--from-checkpoint FILE] LOG CHECKPOINTS...\n"
							"       ctlpr-verify --no-checkpoints LOG\n"
							"       ctlpr-verify inclusion ENTRY LEAF_HASH SIZE ROOT [HASH]...\n"
							"       ctlpr-verify consistency SIZE ROOT SIZE ROOT [HASH]...\n"
							"\n"
							"LOG is what ctlpr.export_audit() gives, - for the standard input; CHECKPOINTS are files\n"
							"of signed notes.  Says that the log is valid (exit 0), or which entry is the first that\n"
							"is not (exit 1).  Exit 2: no verdict.\n"
							"\n"
							"  --key KEY               the log's public key, a line NAME+NUMBER+KEY\n"
							"  --no-signatures         take the checkpoints' word for who made them\n"
							"  --from-checkpoint FILE  a checkpoint that the log must extend, even where the agency\n"
							"                          has accepted a fork since\n"
							"  --no-checkpoints        only see whether the log agrees with itself, which proves little\n"
							"\n"
							"inclusion and consistency check proofs as of RFC 9162 against roots that you have from\n"
							"checkpoints; hashes in hexadecimal or base64.  An entry's number is that in the log.\n";

/* The columns of which the text holds only a salted hash, and their places in it, the first word being 0 */
static const struct
{
	const char *name;
	size_t		place;
} salted[SALTED_COUNT] = {{"officer", 11}, {"case_number", 14}, {"reason", 15}, {"plates", 22}, {"detail", 39}};

/* The log as far as it is read */
static struct
{
	Tree	 tree;
	uint8_t	 value_hashes[SALTED_COUNT][HASH_SIZE];
	bool	 has_text;		 /* the newest entry's contents are there, and: */
	unsigned salted_columns; /* those that are not NULL, a bit each */
	unsigned missing_values; /* those of them whose value has not come */
	uint64_t texts_absent;
	uint64_t values_absent;
} log_read;

/* How far the checkpoints are settled: in the order of size, which is the log's */
static struct
{
	size_t	 next;
	size_t	 holding;
	uint64_t largest; /* the largest that holds */
	uint64_t smaller; /* the largest of a smaller size than that */
} settled;

/* ---- how it ends ---- */

void
die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("ctlpr-verify: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(2);
}

void
not_valid(uint64_t seq, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("not valid: first entry that is not: %" PRIu64 ": ", seq);
	vprintf(format, arguments);
	putchar('\n');
	va_end(arguments);
	exit(fflush(stdout) == 0 ? 1 : 2);
}

void *
grow(void *memory, size_t count, size_t size)
{
	void *grown = count <= SIZE_MAX / size ? realloc(memory, count * size) : NULL;

	if (!grown)
		die("out of memory");
	return grown;
}

/* ---- checkpoints against the log ---- */

static void
print_origin(uint64_t epoch)
{
	printf("%s", checkpoint_base_origin());
	if (epoch > 0)
		printf("/%" PRIu64, epoch);
}

/* The verdict on a checkpoint that nothing excuses: what is wrong lies behind the largest smaller one that holds. */
static void
checkpoint_fails(const Checkpoint *checkpoint)
{
	uint64_t behind = checkpoint->size == settled.largest ? settled.smaller : settled.largest;

	if (checkpoint->problem)
		not_valid(behind + 1, "checkpoint at %" PRIu64 " entries: %s", checkpoint->size, checkpoint->problem);
	if (checkpoint->state == CHECKPOINT_BEYOND)
		not_valid(behind + 1, "checkpoint at %" PRIu64 " entries: the log has %" PRIu64, checkpoint->size, log_read.tree.size);
	not_valid(behind + 1, "checkpoint at %" PRIu64 " entries: its root is not that of the log", checkpoint->size);
}

/* Settle all checkpoints up to the log's present size, or at its end all. */
static void
settle_checkpoints(bool at_end)
{
	uint8_t root[HASH_SIZE];

	if (settled.next == checkpoint_count || (!at_end && checkpoints[settled.next].size > log_read.tree.size))
		return;
	tree_root(&log_read.tree, root);
	for (; settled.next < checkpoint_count; settled.next++)
	{
		Checkpoint *checkpoint = &checkpoints[settled.next];

		if (checkpoint->size > log_read.tree.size)
		{
			if (!at_end)
				return;
			checkpoint->state = CHECKPOINT_BEYOND;
		}
		else
			checkpoint->state = memcmp(checkpoint->root, root, HASH_SIZE) == 0 ? CHECKPOINT_HOLDS : CHECKPOINT_DIFFERS;
		if (checkpoint->cited)
			continue;
		if (checkpoint->problem || (checkpoint->state != CHECKPOINT_HOLDS && !checkpoint_excuse(checkpoint)))
			checkpoint_fails(checkpoint);
		if (checkpoint->state != CHECKPOINT_HOLDS)
			continue;
		settled.holding++;
		if (checkpoint->size > settled.largest)
			settled.smaller = settled.largest;
		settled.largest = checkpoint->size;
	}
}

/* ---- the log ---- */

static void
read_header(Field line)
{
	Field word;
	Field format;
	Field origin;

	if (!next_field(&line, '\t', &word) || !field_is(word, "log") || !next_field(&line, '\t', &format))
		die("the log does not begin with its header");
	if (!field_is(format, "ctlpr-log-1"))
		die("the log's format is not one that this program knows");
	if (!next_field(&line, '\t', &origin) || line.at || !is_name(origin))
		die("the log's header has no origin");
	if (checkpoint_base_origin() && !checkpoint_origin_is(origin))
		not_valid(1, "the log's origin is not that of the %s", checkpoint_count > 0 ? "checkpoints" : "keys");
}

/* The text's form, and the hashes of its salted columns */
static void
read_text(uint64_t seq, Field text)
{
	Field  field;
	size_t place = 0;
	size_t next = 0;

	for (; next_field(&text, '\t', &field); place++)
	{
		if (place == 0 && !field_is(field, "ctlpr-entry-1"))
			not_valid(seq, "the text is not in a form that this program knows");
		if (next == SALTED_COUNT || place != salted[next].place)
			continue;
		if (parse_hex(field, log_read.value_hashes[next], HASH_SIZE))
			log_read.salted_columns |= 1U << next;
		else if (!field_is(field, "\\N"))
			not_valid(seq, "%s in the text is neither NULL nor a hash", salted[next].name);
		next++;
	}
	if (place != TEXT_FIELDS)
		not_valid(seq, "the text has not %d fields", TEXT_FIELDS);
}

static void
read_entry(Field rest)
{
	uint64_t expected = log_read.tree.size + 1;
	uint64_t seq;
	Field	 field;
	uint8_t	 given[HASH_SIZE];
	uint8_t	 hash[HASH_SIZE];

	if (!next_field(&rest, '\t', &field) || !parse_number(field, &seq) || !next_field(&rest, '\t', &field) ||
		!parse_hex(field, given, HASH_SIZE))
		not_valid(expected, "its record is not in the form of an entry");
	if (seq != expected)
		not_valid(expected, "in its place stands an entry of number %" PRIu64, seq);
	log_read.has_text = rest.at != NULL;
	log_read.salted_columns = 0;
	if (log_read.has_text)
	{
		hash_leaf(rest.at, rest.length, hash);
		if (memcmp(hash, given, HASH_SIZE) != 0)
			not_valid(seq, "the text is not that of its hash");
		read_text(seq, rest);
	}
	else
		log_read.texts_absent++;
	log_read.missing_values = log_read.salted_columns;
	tree_add(&log_read.tree, given);
}

static void
read_value(Field rest)
{
	uint64_t newest = log_read.tree.size;
	uint64_t seq;
	size_t	 column = 0;
	Field	 name;
	Field	 field;
	uint8_t	 salt[SALT_SIZE];
	uint8_t	 hash[HASH_SIZE];

	if (!next_field(&rest, '\t', &field) || !parse_number(field, &seq) || !next_field(&rest, '\t', &name) ||
		!next_field(&rest, '\t', &field) || !parse_hex(field, salt, SALT_SIZE) || !next_field(&rest, '\t', &field) || rest.at)
		not_valid(newest > 0 ? newest : 1, "a record is not in the form of a value");
	if (seq != newest || seq == 0)
		not_valid(seq > 0 && seq < newest ? seq : newest + 1, "a value does not follow its entry");
	while (column < SALTED_COUNT && !field_is(name, salted[column].name))
		column++;
	if (column == SALTED_COUNT)
		not_valid(seq, "a value of a column that has none apart from the text");
	if (!log_read.has_text)
		not_valid(seq, "%s has a value, and there is no text to prove it by", salted[column].name);
	if (!(log_read.salted_columns >> column & 1))
		not_valid(seq, "%s has a value and is NULL in the text", salted[column].name);
	if (!(log_read.missing_values >> column & 1))
		not_valid(seq, "%s has two values", salted[column].name);
	hash_parts(salt, SALT_SIZE, field.at, field.length, hash);
	if (memcmp(hash, log_read.value_hashes[column], HASH_SIZE) != 0)
		not_valid(seq, "the value of %s is not that of its hash", salted[column].name);
	log_read.missing_values &= ~(1U << column);
}

static void
count_missing_values(void)
{
	for (; log_read.missing_values; log_read.missing_values &= log_read.missing_values - 1)
		log_read.values_absent++;
}

static void
read_log(FILE *file)
{
	bool	is_watched = isatty(STDERR_FILENO);
	bool	has_header = false;
	char   *buffer = NULL;
	size_t	capacity = 0;
	ssize_t length;

	while ((length = getline(&buffer, &capacity, file)) >= 0)
	{
		Field line = {buffer, (size_t) length};
		Field word;

		if (line.length > 0 && line.at[line.length - 1] == '\n')
			line.length--;
		if (!has_header)
		{
			read_header(line);
			has_header = true;
			settle_checkpoints(false);
			continue;
		}
		/* Texts escape a carriage return; one that stands there comes from a program that has changed the file. */
		if (memchr(line.at, '\0', line.length) || memchr(line.at, '\r', line.length))
			not_valid(log_read.tree.size + 1, "a line has a byte that no record has");
		if (!next_field(&line, '\t', &word))
			not_valid(log_read.tree.size + 1, "a record of an unknown kind");
		if (field_is(word, "entry"))
		{
			count_missing_values();
			read_entry(line);
			settle_checkpoints(false);
			if (is_watched && log_read.tree.size % 1000000 == 0)
				fprintf(stderr, "%" PRIu64 " entries\n", log_read.tree.size);
		}
		else if (field_is(word, "value"))
			read_value(line);
		else
			not_valid(log_read.tree.size + 1, "a record of an unknown kind");
	}
	if (ferror(file))
		die("the log cannot be read");
	if (!has_header)
		die("the log is empty, even of its header");
	count_missing_values();
	settle_checkpoints(true);
	free(buffer);
}

/* ---- the verdict on a log that is valid ---- */

static void
report_forks(void)
{
	for (size_t i = 0; i < fork_count; i++)
	{
		const Citation *end = &forks[i].extends;
		bool			extended = false;
		uint64_t		agreed = 0;

		for (size_t j = 0; j < checkpoint_count; j++)
		{
			const Checkpoint *older = &checkpoints[j];

			if (older->state != CHECKPOINT_HOLDS || older->epoch != end->epoch || older->size > end->size)
				continue;
			if (older->cited)
				extended = true;
			if (older->size > agreed)
				agreed = older->size;
		}
		printf("forked: epoch %" PRIu64 " began when ", forks[i].epoch);
		print_origin(end->epoch);
		printf(" had %" PRIu64 " entries; ", end->size);
		if (extended)
			printf("this log still holds all of them\n");
		else
			printf("this log parts from it behind entry %" PRIu64 " or later\n", agreed);
	}
	for (size_t j = 0; j < checkpoint_count; j++)
	{
		const Checkpoint *older = &checkpoints[j];

		if (older->cited || older->state == CHECKPOINT_HOLDS)
			continue;
		printf("excused: the checkpoint of ");
		print_origin(older->epoch);
		printf(" at %" PRIu64 " entries: %s; epoch %" PRIu64 " says that it may\n", older->size,
			   older->state == CHECKPOINT_BEYOND ? "the log is shorter" : "the log has another root there",
			   checkpoint_excuse(older)->epoch);
	}
}

static void
report_valid(bool with_signatures)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint64_t		  size = log_read.tree.size;
	uint8_t			  root[HASH_SIZE + 1] = {0};

	tree_root(&log_read.tree, root);
	printf("valid: %" PRIu64 " entries, %zu checkpoints, root ", size, settled.holding);
	for (size_t i = 0; i < HASH_SIZE; i += 3)
	{
		unsigned bits = (unsigned) root[i] << 16 | (unsigned) root[i + 1] << 8 | (i + 2 < HASH_SIZE ? root[i + 2] : 0);

		printf("%c%c%c%c", digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63],
			   i + 2 < HASH_SIZE ? digits[bits & 63] : '=');
	}
	putchar('\n');
	report_forks();
	if (settled.holding == 0)
		printf("note: without a checkpoint a log that was written anew is valid as well\n");
	else if (!with_signatures)
		printf("note: signatures were not checked\n");
	if (settled.holding > 0 && settled.largest < size)
		printf("note: no checkpoint vouches for what follows entry %" PRIu64 "\n", settled.largest);
	if (log_read.texts_absent > 0)
		printf("note: the contents of %" PRIu64 " entries are not there, only their hashes\n", log_read.texts_absent);
	if (log_read.values_absent > 0)
		printf("note: %" PRIu64 " values are not there, only their hashes\n", log_read.values_absent);
	exit(fflush(stdout) == 0 ? 0 : 2);
}

/* ---- proofs ---- */

static void
read_hash(const char *text, uint8_t *hash)
{
	Field field = {text, strlen(text)};

	if (!parse_hex(field, hash, HASH_SIZE) && !parse_base64(field, hash, HASH_SIZE))
		die("a hash is 64 hexadecimal digits in small letters, or the base64 of 32 bytes");
}

static uint64_t
read_number(const char *text)
{
	uint64_t number;

	if (!parse_number((Field){text, strlen(text)}, &number))
		die("the size of a log and an entry's number are decimal");
	return number;
}

/* inclusion ENTRY LEAF_HASH SIZE ROOT, consistency SIZE ROOT SIZE ROOT: both two numbers with a hash each, then the proof */
static void
check_proof(bool is_inclusion, int count, char **arguments)
{
	uint64_t first;
	uint64_t second;
	uint8_t	 first_hash[HASH_SIZE];
	uint8_t	 second_hash[HASH_SIZE];
	uint8_t(*proof)[HASH_SIZE];
	bool holds;

	if (count < 4)
		die("a proof needs two numbers and two hashes; see --help");
	first = read_number(arguments[0]);
	read_hash(arguments[1], first_hash);
	second = read_number(arguments[2]);
	read_hash(arguments[3], second_hash);
	count -= 4;
	proof = grow(NULL, (size_t) count + 1, HASH_SIZE);
	for (int i = 0; i < count; i++)
		read_hash(arguments[4 + i], proof[i]);
	if (is_inclusion)
		holds = first > 0 && inclusion_holds(first - 1, second, first_hash, second_hash, proof, (size_t) count);
	else
		holds = consistency_holds(first, first_hash, second, second_hash, proof, (size_t) count);
	free(proof);
	printf("%s: %s\n", holds ? "valid" : "not valid", is_inclusion ? "inclusion" : "consistency");
	exit(fflush(stdout) != 0 ? 2 : holds ? 0 : 1);
}

int
main(int argc, char **argv)
{
	const char *kept = NULL;
	bool		with_keys = false;
	bool		no_signatures = false;
	bool		no_checkpoints = false;
	FILE	   *file;
	int			i = 1;

	if (argc > 1 && (strcmp(argv[1], "inclusion") == 0 || strcmp(argv[1], "consistency") == 0))
		check_proof(strcmp(argv[1], "inclusion") == 0, argc - 2, argv + 2);
	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++)
	{
		if (strcmp(argv[i], "--help") == 0)
		{
			fputs(usage, stdout);
			return 0;
		}
		else if (strcmp(argv[i], "--no-signatures") == 0)
			no_signatures = true;
		else if (strcmp(argv[i], "--no-checkpoints") == 0)
			no_checkpoints = true;
		else if (strcmp(argv[i], "--key") == 0 && i + 1 < argc)
		{
			checkpoint_add_key(argv[++i]);
			with_keys = true;
		}
		else if (strcmp(argv[i], "--from-checkpoint") == 0 && i + 1 < argc && !kept)
			kept = argv[++i];
		else
			die("an option is unknown, twice there, or has no argument; see --help");
	}
	if (i == argc)
		die("no log is given; see --help");
	if (no_checkpoints && (i + 1 < argc || kept))
		die("--no-checkpoints was given, and checkpoints");
	if (!no_checkpoints && i + 1 == argc && !kept)
		die("no checkpoint is given, so nothing says what the log should be; see --no-checkpoints");
	if (with_keys && no_signatures)
		die("--key and --no-signatures exclude each other");
	if (!with_keys && !no_signatures && !no_checkpoints)
		die("no key is given, so signatures cannot be checked; see --no-signatures");
	if (kept)
		checkpoint_read_file(kept, true);
	for (int j = i + 1; j < argc; j++)
		checkpoint_read_file(argv[j], false);
	checkpoint_sort();
	file = strcmp(argv[i], "-") == 0 ? stdin : fopen(argv[i], "r");
	if (!file)
		die("%s cannot be opened", argv[i]);
	read_log(file);
	report_valid(with_keys);
}
