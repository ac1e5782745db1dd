"""`manage.py make_database_roles`: owner, writer and reader of the database; safe to repeat."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from audits.services.database_roles import grants, missing_roles


class Command(BaseCommand):
    help = (
        "Make the roles of the database that are not its owner, and grant them what they may. Run "
        "it as the owner, again after each migration; docs/operating.md says how to use them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--writer", default="countersign_writer", help="role of the processes")
        parser.add_argument("--reader", default="countersign_reader", help="role that only reads")
        parser.add_argument("--sql", action="store_true", help="print the statements, run none")

    def handle(self, *, writer: str, reader: str, **options: object) -> None:
        with transaction.atomic():
            statements = [
                sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name))
                for name in missing_roles(writer, reader)
            ]
            statements += grants(writer, reader)
            if options["sql"]:
                self.stdout.write("\n".join(f"{each.as_string()};" for each in statements))
                return
            self.run_all(statements)
        self.stdout.write(f"{writer} writes, {reader} reads; neither can log in by itself.")

    def run_all(self, statements: list[sql.Composed]) -> None:
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement.as_string())
        except DatabaseError as error:
            raise CommandError(
                "The database refused: run this as the owner of its tables, who may also create "
                "roles; or print the statements by --sql and let an administrator run them."
            ) from error
