"""keystone's configuration and the keys of its tokens."""

import base64
import secrets
import shutil
from pathlib import Path

from novaflow.model.context import Context
from workflows.infra.database.urls import database_url
from workflows.infra.ldap.settings import LdapSettings
from workflows.services.oslo.config_file import OsloConfig, Sections

KEYSTONE_CONF = OsloConfig("keystone/keystone.conf", "keystone")
FIRST_KEYS = ("0", "1")  # the next one, and the primary. Source: keystone's admin guide, "Fernet - Frequently Asked Questions"
DAY_S = 86_400  # a token outlives any test run; the steps of a run share one


def config_file(ctx: Context) -> Path:
    """Return the path of keystone.conf."""
    return KEYSTONE_CONF.path(ctx)


async def write_config(ctx: Context) -> None:
    """Write keystone.conf from the settings."""
    uses_ldap = ctx.settings.of(LdapSettings).use_ldap
    options: Sections = {
        "DEFAULT": {"use_stderr": True},
        "database": {"connection": database_url(ctx, "keystone")},
        "token": {"provider": "fernet", "expiration": DAY_S},
        "fernet_tokens": {"key_repository": _keys(ctx, "fernet")},
        "fernet_receipts": {"key_repository": _keys(ctx, "fernet")},
        "credential": {"key_repository": _keys(ctx, "credential")},
        "identity": {
            "password_hash_rounds": 4,  # the generated passwords have 128 bits; a slow hash does not protect them better
            "max_password_length": 72,
            # keystone stores the LDAP options of a domain in its database and reloads them when they change.
            "domain_specific_drivers_enabled": uses_ldap,
            "domain_configurations_from_database": uses_ldap,
        },
        "cache": {"enabled": True, "backend": "dogpile.cache.memory"},
    }
    await KEYSTONE_CONF.write(ctx, options)


async def create_keys(ctx: Context) -> None:
    """Create the Fernet keys of tokens and of stored credentials, if they do not exist."""
    for folder in (_keys(ctx, "fernet"), _keys(ctx, "credential")):
        folder.mkdir(mode=0o700, exist_ok=True)
        for index in FIRST_KEYS:
            # A rotation adds keys with higher numbers and deletes old ones.
            if not (folder / index).exists() and len([*folder.glob("[0-9]*")]) < len(FIRST_KEYS):
                await ctx.write(folder / index, base64.urlsafe_b64encode(secrets.token_bytes(32)), 0o600, fsync=True)


def delete_token_keys(ctx: Context) -> None:
    """Delete the Fernet keys of tokens, which become invalid."""
    shutil.rmtree(_keys(ctx, "fernet"), ignore_errors=True)


def _keys(ctx: Context, kind: str) -> Path:
    return ctx.paths.etc / "keystone" / f"{kind}-keys"
