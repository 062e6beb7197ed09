/*
 * audit_writer.h - the one process per database that inserts into the log.
 */
#ifndef CTLPR_AUDIT_WRITER_H
#define CTLPR_AUDIT_WRITER_H

#include "postgres.h"

/* Entry point of the background worker; argument: the database's OID */
extern PGDLLEXPORT void audit_writer_main(Datum database);

#endif /* CTLPR_AUDIT_WRITER_H */
