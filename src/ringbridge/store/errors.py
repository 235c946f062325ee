"""What can go wrong between the store and its database.

StoreUnavailable (ringbridge.call.errors)   the database did not answer or did not take the write
 +-- StoreInUse                                  another server has this database
 +-- SchemaTooNew                                a newer version of ringbridge has changed the tables

Errors of SQLAlchemy and of the drivers do not leave this package: `database.reading` and `database.writing`
translate them.
"""

from ringbridge.call.errors import StoreUnavailable


class StoreInUse(StoreUnavailable):
    """Another server works with this database; two would ring the same people twice."""

    code = "store_in_use"


class SchemaTooNew(StoreUnavailable):
    """The tables are those of a later version, which this one would damage."""

    code = "schema_too_new"
