"""Settings of the databases."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from novaflow.settings import Allowed, SettingsGroup, Switch
from novaflow.settings.validators import read_line


class DatabaseSettings(SettingsGroup):
    """The database server of the services."""

    use_mysql: Switch = Field(default=True, description="1: a private MariaDB; 0: SQLite, which is for one server at a time.")
    novaflow_durable: Switch = Field(
        default=True, description="0: the database is faster, and a power cut or crash of the machine may destroy it; for CI."
    )
    mysql_pass: Annotated[
        SecretStr | None, AfterValidator(read_line), Allowed("any text of one line", default="generated, once per stack")
    ] = Field(default=None, description="Password of the MariaDB user that services log in as.")
