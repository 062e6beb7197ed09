/*
 * checkpoint.c - signed notes, their keys, and what a later epoch excuses.
 *
 * A note (c2sp.org/signed-note) is its text, an empty line, and signatures.  As
 * notes of a checkpoint have no empty line in their text, a file of them can be
 * read line by line.
 *
 * After a fork that the agency accepted, the checkpoints of the new epoch cite
 * the last one of the epoch before.  Whatever an older epoch signed up to there
 * a log need not extend; all that it signed behind it contradicts the citation.
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <openssl/evp.h>

#include "verify.h"

#define PUBLIC_KEY_SIZE 32
#define SIGNATURE_SIZE	64
#define KEY_NUMBER_SIZE 4
#define ED25519			1 /* the type of a signature, as signed notes number them */
#define SIGNATURE_START "\xe2\x80\x94 "

typedef struct Key
{
	uint8_t	  number[KEY_NUMBER_SIZE];
	EVP_PKEY *public_key;
} Key;

/* A note while it is read; its lines lie in one text. */
typedef struct Note
{
	char  *text;
	size_t length;
	size_t capacity;
	size_t line_count;
	bool   is_signed;	/* by a key that was given */
	bool   contradicts; /* a key that was given is named, and its signature is wrong */
} Note;

Checkpoint *checkpoints;
size_t		checkpoint_count;
Fork	   *forks;
size_t		fork_count;

static Key	 *keys;
static size_t key_count;
static char	 *base_origin;

static Field
field_of(const char *text)
{
	return (Field){.at = text, .length = strlen(text)};
}

/* ---- origins and keys ---- */

const char *
checkpoint_base_origin(void)
{
	return base_origin;
}

static void
set_base_origin(Field origin)
{
	base_origin = grow(NULL, origin.length + 1, 1);
	memcpy(base_origin, origin.at, origin.length);
	base_origin[origin.length] = '\0';
}

/* The epoch that an origin names: 0 for the base alone; false for an origin of another log */
static bool
epoch_of(Field origin, uint64_t *epoch)
{
	size_t length = strlen(base_origin);

	*epoch = 0;
	if (!field_starts(origin, base_origin))
		return false;
	if (origin.length == length)
		return true;
	return origin.at[length] == '/' && parse_number((Field){origin.at + length + 1, origin.length - length - 1}, epoch) &&
		   *epoch > 0;
}

bool
checkpoint_origin_is(Field origin)
{
	uint64_t epoch;

	return epoch_of(origin, &epoch);
}

void
checkpoint_add_key(const char *line)
{
	Field	rest = field_of(line);
	Field	name;
	Field	number;
	uint8_t typed_key[1 + PUBLIC_KEY_SIZE];
	uint8_t hash[HASH_SIZE];
	char   *preimage;
	Key		key;

	/* Base64 may have more plus signs, so the key is all of the rest. */
	if (!next_field(&rest, '+', &name) || !is_name(name) || !next_field(&rest, '+', &number) ||
		!parse_hex(number, key.number, KEY_NUMBER_SIZE) || !rest.at || !parse_base64(rest, typed_key, sizeof(typed_key)))
		die("--key is not a line NAME+NUMBER+KEY");
	if (typed_key[0] != ED25519)
		die("the key is not one of Ed25519");
	preimage = grow(NULL, name.length + 1, 1);
	memcpy(preimage, name.at, name.length);
	preimage[name.length] = '\n';
	hash_parts(preimage, name.length + 1, typed_key, sizeof(typed_key), hash);
	free(preimage);
	if (memcmp(hash, key.number, KEY_NUMBER_SIZE) != 0)
		die("the key's number is not that of its name and key");
	if (!base_origin)
		set_base_origin(name);
	else if (!field_is(name, base_origin))
		die("the keys are not all of one name");
	key.public_key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, typed_key + 1, PUBLIC_KEY_SIZE);
	if (!key.public_key)
		die("OpenSSL does not take the key");
	keys = grow(keys, key_count + 1, sizeof(Key));
	keys[key_count++] = key;
}

/* ---- notes ---- */

static bool
signature_holds(const Key *key, const Note *note, const uint8_t *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool		holds;

	if (!context || EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->public_key) != 1)
		die("OpenSSL offers no Ed25519");
	holds = EVP_DigestVerify(context, signature, SIGNATURE_SIZE, (const uint8_t *) note->text, note->length) == 1;
	EVP_MD_CTX_free(context);
	return holds;
}

/* A signature line, without its start.  Signatures of others, such as witnesses, are passed over; false: not in the form. */
static bool
note_take_signature(Note *note, Field line)
{
	Field	name;
	uint8_t start[6]; /* eight digits: the key's number, and two bytes more */
	uint8_t bytes[KEY_NUMBER_SIZE + SIGNATURE_SIZE];

	if (!next_field(&line, ' ', &name) || !is_name(name) || !line.at || line.length < 8 ||
		!parse_base64((Field){line.at, 8}, start, sizeof(start)))
		return false;
	for (size_t i = 0; i < key_count; i++)
	{
		if (!field_is(name, base_origin) || memcmp(start, keys[i].number, KEY_NUMBER_SIZE) != 0)
			continue;
		if (parse_base64(line, bytes, sizeof(bytes)) && signature_holds(&keys[i], note, bytes + KEY_NUMBER_SIZE))
			note->is_signed = true;
		else
			note->contradicts = true;
	}
	return true;
}

/* `ORIGIN SIZE ROOT`; an origin has no spaces */
static bool
parse_citation(Field text, Citation *citation)
{
	Field origin;
	Field size;
	Field root;

	return next_field(&text, ' ', &origin) && next_field(&text, ' ', &size) && next_field(&text, ' ', &root) && !text.at &&
		   epoch_of(origin, &citation->epoch) && parse_number(size, &citation->size) &&
		   parse_base64(root, citation->root, HASH_SIZE);
}

/* Take in what an epoch says of the one before; false: another checkpoint says otherwise, as an epoch has one end and one successor */
static bool
add_fork(uint64_t epoch, const Citation *extends)
{
	for (size_t i = 0; i < fork_count; i++)
	{
		const Citation *other = &forks[i].extends;

		if ((forks[i].epoch == epoch) != (other->epoch == extends->epoch))
			return false;
		if (forks[i].epoch == epoch)
			return other->size == extends->size && memcmp(other->root, extends->root, HASH_SIZE) == 0;
	}
	forks = grow(forks, fork_count + 1, sizeof(Fork));
	forks[fork_count++] = (Fork){.epoch = epoch, .extends = *extends};
	return true;
}

static Checkpoint *
new_checkpoint(void)
{
	checkpoints = grow(checkpoints, checkpoint_count + 1, sizeof(Checkpoint));
	return memset(&checkpoints[checkpoint_count++], 0, sizeof(Checkpoint));
}

/* What is the matter with a note whose lines are in their form; NULL: nothing */
static const char *
note_problem(const Note *note, uint64_t origin_epoch, bool origin_is_ours, uint64_t epoch, const Citation *extends)
{
	if (!origin_is_ours)
		return "its origin is another";
	if (key_count > 0 && note->contradicts)
		return "its signature is not that of the key";
	if (key_count > 0 && !note->is_signed)
		return "no key that was given has signed it";
	if (origin_epoch != epoch || (epoch > 0) != (extends != NULL) || (extends && extends->epoch >= epoch))
		return "its origin and its lines of epoch and extends do not agree";
	if (extends && !add_fork(epoch, extends))
		return "another checkpoint contradicts what it extends";
	return NULL;
}

/* Make a checkpoint of a note that is complete; false: a line is not in its form */
static bool
note_finish(const Note *note, bool kept)
{
	Checkpoint *checkpoint = new_checkpoint();
	Field		rest = {note->text, note->length - 1}; /* without the last line feed */
	Field		origin = {NULL, 0};
	Field		line;
	Field		cited = {NULL, 0};
	Citation	extends;
	uint64_t	epoch = 0;
	uint64_t	origin_epoch;
	bool		is_ours;

	if (!next_field(&rest, '\n', &origin) || !is_name(origin) || !next_field(&rest, '\n', &line) ||
		!parse_number(line, &checkpoint->size) || !next_field(&rest, '\n', &line) ||
		!parse_base64(line, checkpoint->root, HASH_SIZE))
		return false;
	while (next_field(&rest, '\n', &line))
	{
		if (field_starts(line, "epoch "))
		{
			if (epoch > 0 || !parse_number((Field){line.at + 6, line.length - 6}, &epoch) || epoch == 0)
				return false;
		}
		else if (field_starts(line, "extends "))
		{
			if (cited.at)
				return false;
			cited = (Field){line.at + 8, line.length - 8};
		}
	}
	if (!base_origin)
	{
		/* No key names the log, so the first checkpoint does; only its epoch tells a suffix from a name. */
		Field base = origin;

		while (epoch > 0 && base.length > 1 && base.at[--base.length] != '/')
			;
		set_base_origin(base);
	}
	is_ours = epoch_of(origin, &origin_epoch);
	if (is_ours && cited.at && !parse_citation(cited, &extends))
		return false;
	checkpoint->epoch = epoch;
	checkpoint->kept = kept;
	checkpoint->problem = note_problem(note, origin_epoch, is_ours, epoch, cited.at ? &extends : NULL);
	return true;
}

static void
note_add_line(Note *note, Field line)
{
	if (note->capacity - note->length < line.length + 1)
	{
		note->capacity = 2 * (note->capacity + line.length + 1);
		note->text = grow(note->text, note->capacity, 1);
	}
	memcpy(note->text + note->length, line.at, line.length);
	note->length += line.length;
	note->text[note->length++] = '\n';
	note->line_count++;
}

void
checkpoint_read_file(const char *path, bool kept)
{
	enum
	{
		BETWEEN,
		IN_TEXT,
		BEFORE_SIGNATURES,
		IN_SIGNATURES
	} place = BETWEEN;
	Note	 note = {0};
	FILE	*file = fopen(path, "r");
	char	*buffer = NULL;
	size_t	 capacity = 0;
	uint64_t line_number = 0;
	size_t	 count_before = checkpoint_count;
	ssize_t	 length;

	if (!file)
		die("%s cannot be opened", path);
	while ((length = getline(&buffer, &capacity, file)) >= 0)
	{
		Field line = {buffer, (size_t) length};

		line_number++;
		if (line.length > 0 && line.at[line.length - 1] == '\n')
			line.length--;
		for (size_t i = 0; i < line.length; i++)
			if ((unsigned char) line.at[i] < ' ')
				die("%s, line %" PRIu64 ": a byte that no checkpoint has, such as a carriage return", path, line_number);
		if (line.length == 0)
		{
			if (place == BEFORE_SIGNATURES)
				die("%s, line %" PRIu64 ": a checkpoint without a signature", path, line_number);
			if (place == IN_SIGNATURES && !note_finish(&note, kept))
				die("%s, before line %" PRIu64 ": not a checkpoint", path, line_number);
			place = place == IN_TEXT ? BEFORE_SIGNATURES : BETWEEN;
		}
		else if (place == BETWEEN || place == IN_TEXT)
		{
			if (place == BETWEEN)
				note = (Note){.text = note.text, .capacity = note.capacity};
			note_add_line(&note, line);
			place = IN_TEXT;
		}
		else
		{
			if (!field_starts(line, SIGNATURE_START) ||
				!note_take_signature(&note, (Field){line.at + strlen(SIGNATURE_START), line.length - strlen(SIGNATURE_START)}))
				die("%s, line %" PRIu64 ": not a signature line", path, line_number);
			place = IN_SIGNATURES;
		}
	}
	if (ferror(file))
		die("%s cannot be read", path);
	if (place == IN_TEXT || place == BEFORE_SIGNATURES || (place == IN_SIGNATURES && !note_finish(&note, kept)))
		die("%s: the last checkpoint is not whole", path);
	if (checkpoint_count == count_before)
		die("%s holds no checkpoint", path);
	fclose(file);
	free(buffer);
	free(note.text);
}

/* ---- all of them ---- */

static int
compare_sizes(const void *one, const void *other)
{
	uint64_t first = ((const Checkpoint *) one)->size;
	uint64_t second = ((const Checkpoint *) other)->size;

	return (first > second) - (first < second);
}

void
checkpoint_sort(void)
{
	for (size_t i = 0; i < fork_count; i++)
	{
		Checkpoint *cited = new_checkpoint();

		cited->size = forks[i].extends.size;
		memcpy(cited->root, forks[i].extends.root, HASH_SIZE);
		cited->epoch = forks[i].extends.epoch;
		cited->cited = true;
	}
	if (checkpoint_count > 0)
		qsort(checkpoints, checkpoint_count, sizeof(Checkpoint), compare_sizes);
}

const Fork *
checkpoint_excuse(const Checkpoint *checkpoint)
{
	if (checkpoint->kept || checkpoint->problem)
		return NULL;
	for (size_t i = 0; i < fork_count; i++)
	{
		const Citation *end = &forks[i].extends;

		if (end->epoch == checkpoint->epoch &&
			(checkpoint->size < end->size ||
			 (checkpoint->size == end->size && memcmp(checkpoint->root, end->root, HASH_SIZE) == 0)))
			return &forks[i];
	}
	return NULL;
}
