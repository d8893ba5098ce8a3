"""`dedup switch`: turn the upload service off, in part or for one vendor; the next request finds it so."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from dedup.cli.console import ConfigOption, JsonOption, print_json, settings_from

if TYPE_CHECKING:
    from dedup.settings import Settings
    from dedup.store.switches import SetSwitch

switch = typer.Typer(
    help=(
        "Turn the upload service off, in part or for one vendor; the next request finds it so.\n\n"
        'Example: dedup switch set block-vendor --vendor acme --reason "laptop with its key was stolen"'
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Name(StrEnum):
    """The switches, named here too so that `--help` need not import them."""

    READ_ONLY = "read-only"
    NO_NEW_UPLOADS = "no-new-uploads"
    BLOCK_VENDOR = "block-vendor"


NameArgument = Annotated[Name, typer.Argument(help="The switch.")]
VendorOption = Annotated[str, typer.Option("--vendor", help="The vendor's code, for block-vendor.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the audit log. Name nobody's client.")]


@switch.command("list")
def list_(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show the switches that are set.

    Example: dedup switch list
    """
    from contextlib import closing

    from dedup.store.registry import Registry, registry_url
    from dedup.store.switches import switches_set

    with closing(Registry(registry_url(settings_from(config)))) as registry, registry.read() as session:
        found = switches_set(session).all
    if as_json:
        print_json([_document(one) for one in found])
        return
    for one in found:
        whom = f" {one.vendor}" if one.vendor else ""
        typer.echo(f"{one.switch.value}{whom}: {one.reason} ({one.set_by}, {one.set_at:%Y-%m-%d %H:%M} UTC)")
    if not found:
        typer.echo("No switch is set.")


@switch.command("set")
def set_(
    name: NameArgument,
    reason: ReasonOption,
    vendor: VendorOption = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Set a switch: read-only, no-new-uploads, or block-vendor with --vendor.

    Example: dedup switch set read-only --reason "disk is being replaced"
    """
    from contextlib import closing

    from dedup.store.registry import Registry, registry_url
    from dedup.store.switches import SetSwitch, Switch, set_switch

    settings = settings_from(config)
    if vendor:
        _refuse_unknown(vendor, settings)
    wanted = SetSwitch(Switch(name.value), vendor, reason, getpass.getuser(), datetime.now(UTC))
    with closing(Registry(registry_url(settings))) as registry:
        set_switch(registry, wanted)
    if as_json:
        print_json(_document(wanted))
    else:
        typer.echo(f"Set {name.value}{f' for {vendor}' if vendor else ''}, from the next request on.")


@switch.command("clear")
def clear(
    name: NameArgument,
    reason: ReasonOption,
    vendor: VendorOption = "",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Clear a switch.

    Example: dedup switch clear read-only --reason "disk is in"
    """
    from contextlib import closing

    from dedup.store.registry import Registry, registry_url
    from dedup.store.switches import Switch, clear_switch

    with closing(Registry(registry_url(settings_from(config)))) as registry:
        clear_switch(registry, Switch(name.value), vendor, reason=reason, by=getpass.getuser(), at=datetime.now(UTC))
    if as_json:
        print_json({"switch": name.value, "vendor": vendor, "cleared": True})
    else:
        typer.echo(f"Cleared {name.value}{f' for {vendor}' if vendor else ''}, from the next request on.")


def _refuse_unknown(vendor: str, settings: Settings) -> None:
    """Refuse a code that is nobody's: a mistyped one would block nobody, in silence."""
    from dedup.bundle.serverkeys import VENDORS_FOLDER
    from dedup.bundle.vendors import load_trusted_vendors
    from dedup.errors import KeyFileError

    known = load_trusted_vendors(settings.server_home / "keys" / VENDORS_FOLDER).values()
    if vendor not in {one.vendor for one in known}:
        raise KeyFileError("key.vendor-unknown", "No vendor is registered under this code.")


def _document(one: SetSwitch) -> dict[str, str]:
    return {
        "switch": one.switch.value,
        "vendor": one.vendor,
        "reason": one.reason,
        "set_by": one.set_by,
        "set_at": one.set_at.isoformat(),
    }
