/*
 * checkpoint_note.c - checkpoints as signed notes.
 *
 * The private key stands in a file that the server reads when it signs, never in
 * the database.
 */
#include "postgres.h"

#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "access/xlog.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/fd.h"

#include "checkpoint_note.h"
#include "ctlpr.h"

#define KEY_ID_BYTES	4
#define SIGNATURE_BYTES 64
#define PUBLIC_BYTES	32

/* A signature line begins with an em dash and a space. */
#define DASH "\xe2\x80\x94 "

bool
checkpoint_enabled(void)
{
	return ctlpr_checkpoint_key && *ctlpr_checkpoint_key;
}

/* ---- names ---- */

/* The origin of the first epoch, which is also the name of the key */
char *
checkpoint_key_name(void)
{
	if (ctlpr_checkpoint_origin && *ctlpr_checkpoint_origin)
		return pstrdup(ctlpr_checkpoint_origin);
	return psprintf("ctlpr-" UINT64_FORMAT "-%u", GetSystemIdentifier(), MyDatabaseId);
}

char *
checkpoint_origin(int epoch)
{
	return epoch == 1 ? checkpoint_key_name() : psprintf("%s/%d", checkpoint_key_name(), epoch);
}

/* ---- keys and signatures ---- */

/* A key with a password is none that a server could use. */
static int
no_password(char *buffer, int size, int writing, void *context)
{
	return 0;
}

/* The private key; NULL, and a line in the server log, when it cannot be read */
static EVP_PKEY *
read_key(void)
{
	FILE	   *file = AllocateFile(ctlpr_checkpoint_key, "r");
	EVP_PKEY   *key = NULL;
	struct stat status;

	if (!file)
	{
		ereport(LOG, (errcode_for_file_access(), errmsg("could not open ctlpr.checkpoint_key: %m")));
		return NULL;
	}
	if (fstat(fileno(file), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0)
		key = PEM_read_PrivateKey(file, NULL, no_password, NULL);
	else
		ereport(LOG, (errmsg("ctlpr.checkpoint_key may be read by others than its owner, and is not used"),
					  errhint("Permissions should be u=rw (0600) or less.")));
	FreeFile(file);
	if (!key || EVP_PKEY_base_id(key) != EVP_PKEY_ED25519)
	{
		EVP_PKEY_free(key);
		key = NULL;
		ereport(LOG, (errmsg("ctlpr.checkpoint_key is no Ed25519 key"), errhint("Make one with \"make keygen\".")));
	}
	return key;
}

/* The number of a key: the beginning of a hash over its name, its kind and the public key */
static bool
key_id(EVP_PKEY *key, const char *name, uint8 *id)
{
	uint8	   kind_and_key[1 + PUBLIC_BYTES] = {1};
	size_t	   bytes = PUBLIC_BYTES;
	char	  *line = psprintf("%s\n", name);
	MerkleHash hash;

	if (EVP_PKEY_get_raw_public_key(key, &kind_and_key[1], &bytes) != 1 || bytes != PUBLIC_BYTES)
		return false;
	merkle_sha256(line, strlen(line), kind_and_key, sizeof(kind_and_key), &hash);
	memcpy(id, hash.bytes, KEY_ID_BYTES);
	return true;
}

static char *
base64(const void *data, int bytes)
{
	char *encoded = palloc((bytes + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((unsigned char *) encoded, data, bytes);
	return encoded;
}

/* Base64 of exactly so many bytes; false when it is anything else */
static bool
unbase64(const char *encoded, int length, void *data, int bytes)
{
	uint8 decoded[3 * ((KEY_ID_BYTES + SIGNATURE_BYTES) / 3 + 1)];
	int	  padding = (3 - bytes % 3) % 3;

	if (length != (bytes + 2) / 3 * 4 || length / 4 * 3 > (int) sizeof(decoded) ||
		(int) strspn(encoded, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") < length - padding)
		return false;
	for (int i = length - padding; i < length; i++)
		if (encoded[i] != '=')
			return false;
	if (EVP_DecodeBlock(decoded, (const unsigned char *) encoded, length) != length / 4 * 3)
		return false;
	memcpy(data, decoded, bytes);
	return true;
}

char *
checkpoint_base64(const MerkleHash *hash)
{
	return base64(hash, MERKLE_HASH_BYTES);
}

static bool
append_signature(StringInfo note, EVP_PKEY *key)
{
	EVP_MD_CTX *signing = EVP_MD_CTX_new();
	uint8		signature[KEY_ID_BYTES + SIGNATURE_BYTES];
	size_t		bytes = SIGNATURE_BYTES;
	char	   *name = checkpoint_key_name();
	bool		done = signing && key_id(key, name, signature) && EVP_DigestSignInit(signing, NULL, NULL, NULL, key) == 1 &&
				EVP_DigestSign(signing, &signature[KEY_ID_BYTES], &bytes, (const unsigned char *) note->data, note->len) == 1 &&
				bytes == SIGNATURE_BYTES;

	EVP_MD_CTX_free(signing);
	if (done)
		appendStringInfo(note, "\n" DASH "%s %s\n", name, base64(signature, sizeof(signature)));
	else
		ereport(LOG, (errmsg("a checkpoint of the log could not be signed")));
	return done;
}

bool
checkpoint_sign(StringInfo note)
{
	EVP_PKEY *key = read_key();
	bool	  done = key && append_signature(note, key);

	EVP_PKEY_free(key);
	return done;
}

/* The name of the key that a note of this origin has: without the number of an epoch */
static char *
name_of_origin(const char *origin, int epoch)
{
	char *name = pstrdup(origin);
	char *slash = epoch > 1 ? strrchr(name, '/') : NULL;

	if (slash)
		*slash = '\0';
	return name;
}

/* Are all signatures of the key over the text good? */
static bool
signatures_hold(const char *text, size_t length, const char *signatures, const char *name, EVP_PKEY *key)
{
	char	   *begin = psprintf(DASH "%s ", name);
	int			start = strlen(begin);
	uint8		id[KEY_ID_BYTES];
	bool		hold = key_id(key, name, id);
	const char *line = signatures;

	while (hold && *line)
	{
		const char *end = strchr(line, '\n');
		uint8		signature[KEY_ID_BYTES + SIGNATURE_BYTES];
		EVP_MD_CTX *verifying;

		if (!end)
			return false;
		if (strncmp(line, begin, start) == 0 && unbase64(line + start, end - line - start, signature, sizeof(signature)) &&
			memcmp(signature, id, KEY_ID_BYTES) == 0)
		{
			verifying = EVP_MD_CTX_new();
			hold =
				verifying && EVP_DigestVerifyInit(verifying, NULL, NULL, NULL, key) == 1 &&
				EVP_DigestVerify(verifying, &signature[KEY_ID_BYTES], SIGNATURE_BYTES, (const unsigned char *) text, length) == 1;
			EVP_MD_CTX_free(verifying);
		}
		line = end + 1;
	}
	return hold;
}

/* ---- notes ---- */

/* The next line, cut off; NULL where there is none */
static char *
next_line(char **rest)
{
	char *line = *rest;
	char *end = line ? strchr(line, '\n') : NULL;

	if (!end)
		return NULL;
	*end = '\0';
	*rest = end + 1;
	return line;
}

bool
checkpoint_parse(const char *note, Checkpoint *result)
{
	char *rest = pstrdup(note);
	char *origin = next_line(&rest);
	char *size = next_line(&rest);
	char *root = next_line(&rest);
	char *line;
	char *end;

	if (strstr(note, "\n\n") == NULL || !root || *size < '0' || *size > '9')
		return false;
	result->note = pstrdup(note);
	result->origin = origin;
	result->epoch = 1;
	errno = 0;
	result->size = strtou64(size, &end, 10);
	if (*end || errno != 0 || !unbase64(root, strlen(root), &result->root, MERKLE_HASH_BYTES))
		return false;
	while ((line = next_line(&rest)) != NULL && *line)
		if (sscanf(line, "epoch %d", &result->epoch) == 1 && result->epoch < 1)
			return false;
	return true;
}

bool
checkpoint_read(const char *note, Checkpoint *result)
{
	const char *blank = strstr(note, "\n\n");
	EVP_PKEY   *key;
	bool		valid;

	if (!checkpoint_parse(note, result))
		return false;
	/* Without a key, or with one that cannot be read, which is in the server log, the root is all that can be looked at. */
	if (!checkpoint_enabled() || (key = read_key()) == NULL)
		return true;
	/* What is signed ends with the line before the empty one. */
	valid = signatures_hold(note, blank + 1 - note, blank + 2, name_of_origin(result->origin, result->epoch), key);
	EVP_PKEY_free(key);
	return valid;
}
