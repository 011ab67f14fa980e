"""`openlake secrets`: scopes, secrets and who may use them; values go in and never come out."""

import base64
import sys
from pathlib import Path
from typing import Annotated

import typer

from control.cli.client import connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from spec.api.secrets import Permission
from spec.errors import Invalid

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Keep secrets that tasks read with dbutils.secrets.",
)

Scope = Annotated[str, typer.Argument(help="As `openlake secrets list-scopes` shows it.")]
Key = Annotated[str, typer.Argument(help="The secret's name in its scope.")]
Principal = Annotated[str, typer.Argument(help="A user, or the group users or admins.")]

_API = "/api/2.0/secrets"


@app.command("create-scope")
def create_scope(
    scope: Scope,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Let all users manage it, not you alone.")
    ] = False,
    output: OutputOption = Output.text,
) -> None:
    """Make a scope.

    [dim]Example: openlake secrets create-scope warehouse[/dim]
    """
    body = {"scope": scope, **({"initial_manage_principal": "users"} if everybody else {})}
    connect().post(f"{_API}/scopes/create", body)
    _done(output, {"scope": scope}, f"scope {scope} created")


@app.command("list-scopes")
def list_scopes(output: OutputOption = Output.text) -> None:
    """List the scopes that you may read."""
    scopes = connect().get(f"{_API}/scopes/list").get("scopes", [])
    if output is Output.json:
        print_json(scopes)
        return
    if not scopes:
        console.print("No scopes yet. `openlake secrets create-scope NAME` makes one.")
    for scope in scopes:
        console.print(scope["name"])


@app.command("delete-scope")
def delete_scope(scope: Scope, output: OutputOption = Output.text) -> None:
    """Delete a scope with all its secrets."""
    connect().post(f"{_API}/scopes/delete", {"scope": scope})
    _done(output, {"scope": scope}, f"scope {scope} deleted")


@app.command("put")
def put(
    scope: Scope,
    key: Key,
    string_value: Annotated[
        str | None, typer.Option(help="The value; it will stand in your shell's history.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="The file that holds the value, byte for byte.")
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Store a secret; without an option its value is read from standard input.

    From a terminal it is asked for without showing it; from a pipe one line break at the end is
    taken off.

    [dim]Example: pass show db | openlake secrets put warehouse password[/dim]
    """
    value = _value(string_value, file)
    body = {"scope": scope, "key": key, "bytes_value": base64.b64encode(value).decode()}
    connect().post(f"{_API}/put", body)
    _done(output, {"scope": scope, "key": key}, f"secret {scope}/{key} stored")


def _value(text: str | None, file: Path | None) -> bytes:
    if text is not None and file is not None:
        raise Invalid("give --string-value or --file, not both")
    if text is not None:
        return text.encode()
    if file is not None:
        try:
            return file.read_bytes()
        except OSError as error:
            raise Invalid(f"{file} cannot be read: {error.strerror}") from None
    if sys.stdin.isatty():
        given: str = typer.prompt("Value", hide_input=True)
        return given.encode()
    return sys.stdin.buffer.read().removesuffix(b"\n").removesuffix(b"\r")


@app.command("list")
def list_secrets(scope: Scope, output: OutputOption = Output.text) -> None:
    """List a scope's keys; values are shown to nobody."""
    from datetime import UTC, datetime

    secrets = connect().get(f"{_API}/list", scope=scope).get("secrets", [])
    if output is Output.json:
        print_json(secrets)
        return
    table = quiet_table("key", "last change")
    for each in secrets:
        at = datetime.fromtimestamp(each["last_updated_timestamp"] / 1000, UTC)
        table.add_row(each["key"], f"{at:%Y-%m-%d %H:%M:%S} UTC")
    console.print(table)


@app.command("delete")
def delete(scope: Scope, key: Key, output: OutputOption = Output.text) -> None:
    """Delete a secret."""
    connect().post(f"{_API}/delete", {"scope": scope, "key": key})
    _done(output, {"scope": scope, "key": key}, f"secret {scope}/{key} deleted")


@app.command("put-acl")
def put_acl(
    scope: Scope,
    principal: Principal,
    permission: Annotated[Permission, typer.Argument(help="Each one includes those before it.")],
    output: OutputOption = Output.text,
) -> None:
    """Say what a user or group may do with a scope.

    [dim]Example: openlake secrets put-acl warehouse users READ[/dim]
    """
    body = {"scope": scope, "principal": principal, "permission": permission.value}
    connect().post(f"{_API}/acls/put", body)
    _done(output, body, f"{principal} has {permission} on scope {scope}")


@app.command("get-acl")
def get_acl(scope: Scope, principal: Principal, output: OutputOption = Output.text) -> None:
    """Show what a user or group may do with a scope."""
    acl = connect().get(f"{_API}/acls/get", scope=scope, principal=principal)
    print_json(acl) if output is Output.json else console.print(acl["permission"])


@app.command("list-acls")
def list_acls(scope: Scope, output: OutputOption = Output.text) -> None:
    """List who may do what with a scope."""
    items = connect().get(f"{_API}/acls/list", scope=scope).get("items", [])
    if output is Output.json:
        print_json(items)
        return
    table = quiet_table("principal", "permission")
    for each in items:
        table.add_row(each["principal"], each["permission"])
    console.print(table)


@app.command("delete-acl")
def delete_acl(scope: Scope, principal: Principal, output: OutputOption = Output.text) -> None:
    """Take a user's or group's permission back."""
    connect().post(f"{_API}/acls/delete", {"scope": scope, "principal": principal})
    _done(output, {"scope": scope, "principal": principal}, f"{principal} has none on {scope}")


def _done(output: Output, answer: dict[str, str], said: str) -> None:
    print_json(answer) if output is Output.json else console.print(f"[green]✓[/] {said}")
