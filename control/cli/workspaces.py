"""`openlake workspace`: workspaces of the stack, and who is in them."""

from typing import Annotated, Any

import typer

from control.cli import current
from control.cli.client import Api, connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from control.config import Settings
from control.stack.layout import Layout
from spec.errors import Invalid, NotFound

_PATH = "/api/openlake/1.0/workspaces"
_FIRST = 1

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Make workspaces, choose one, say who is in it.",
)
members = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Add, remove and list the people of a workspace.",
)
app.add_typer(members, name="members")

Which = Annotated[str, typer.Argument(help="The workspace's name or id.")]
Into = Annotated[
    str | None, typer.Option("--workspace", help="Name or id; the one in use if unset.")
]
Catalog = Annotated[str | None, typer.Option(help="Of statements that name none.")]
Warehouse = Annotated[str | None, typer.Option(help="Of statements and SQL tasks without one.")]
Quota = Annotated[
    int | None, typer.Option("--max-runs", help="Runs that may be active at once; 0 is no limit.")
]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Unique in the stack.")],
    admin: Annotated[str | None, typer.Option(help="Its first user; yourself if unset.")] = None,
    catalog: Catalog = None,
    warehouse: Warehouse = None,
    max_runs: Quota = None,
    output: OutputOption = Output.text,
) -> None:
    """Make a workspace with a first admin; the admin's token is shown this once.

    [dim]Example: openlake workspace create sales --admin bea@example.com --max-runs 20[/dim]
    """
    fields = {**_fields(catalog, warehouse, max_runs), **({"admin": admin} if admin else {})}
    made = _operator().post(_PATH, {"name": name, **fields})
    current.keep(_layout(), made["workspace_id"], made["token_value"])
    if output is Output.json:
        print_json(made)
        return
    console.print(f"[green]✓[/] workspace {name} ({made['workspace_id']}) made")
    _show_token(made["admin"], made["token_value"])
    console.print(f"[dim]`openlake workspace use {name}` talks to it from here.[/]")


@app.command("list")
def list_workspaces(output: OutputOption = Output.text) -> None:
    """List the workspaces.

    [dim]Example: openlake workspace list[/dim]
    """
    found = _all(_operator())
    if output is Output.json:
        print_json(found)
        return
    used = current.workspace_id(_layout()) or _FIRST
    table = quiet_table("", "name", "id", "catalog", "warehouse", "runs at once")
    for each in found:
        mark = "[green]●[/]" if each["workspace_id"] == used else ""
        limit = str(each.get("max_concurrent_runs", "no limit"))
        defaults = (each.get("default_catalog", ""), each.get("default_warehouse_id", ""))
        table.add_row(mark, each["name"], str(each["workspace_id"]), *defaults, limit)
    console.print(table)


@app.command("get")
def get(workspace: Which, output: OutputOption = Output.text) -> None:
    """Show one workspace.

    [dim]Example: openlake workspace get sales[/dim]
    """
    _show(_find(_operator(), workspace), output)


@app.command("update")
def update(
    workspace: Which,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    catalog: Catalog = None,
    warehouse: Warehouse = None,
    max_runs: Quota = None,
    output: OutputOption = Output.text,
) -> None:
    """Change a workspace; an empty text takes a default away.

    [dim]Example: openlake workspace update sales --warehouse trino --max-runs 0[/dim]
    """
    api = _operator()
    fields = {**_fields(catalog, warehouse, max_runs), **({"name": name} if name else {})}
    if not fields:
        raise Invalid("say what to change: --name, --catalog, --warehouse or --max-runs")
    _show(api.patch(f"{_PATH}/{_find(api, workspace)['workspace_id']}", fields), output)


@app.command("delete")
def delete(workspace: Which, output: OutputOption = Output.text) -> None:
    """Delete a workspace in which nothing runs, with its jobs, warehouses and tokens.

    [dim]Example: openlake workspace delete sales[/dim]
    """
    api = _operator()
    found = _find(api, workspace)
    api.delete(f"{_PATH}/{found['workspace_id']}")
    current.forget(_layout(), found["workspace_id"])
    _done(output, found, f"workspace {found['name']} deleted")


@app.command("use")
def use(
    workspace: Which,
    token: Annotated[
        str | None, typer.Option(help="A token of it, if it was not made from here.")
    ] = None,
    output: OutputOption = Output.text,
) -> None:
    """Talk to another workspace from now on.

    [dim]Example: openlake workspace use sales[/dim]
    """
    layout, api = _layout(), _operator()
    found = _find(api, workspace)
    identifier = found["workspace_id"]
    if token is not None:
        of = Api(layout.api_url, token).get(_PATH)["workspaces"]
        if identifier not in [each["workspace_id"] for each in of]:
            raise Invalid(f"this token is not one of workspace {found['name']}")
        current.keep(layout, identifier, token)
    if identifier != _FIRST and not current.has_token(layout, identifier):
        raise Invalid(
            f"there is no token of workspace {found['name']} here; give one with --token, which"
            f" `openlake tokens create --for NAME --workspace {found['name']}` makes"
        )
    is_first = identifier == _FIRST and token is None
    current.use(layout, None if is_first else identifier)
    _done(output, found, f"workspace {found['name']} is in use")


@members.command("add")
def add_member(
    user: Annotated[str, typer.Argument(help="The user's name, e.g. an e-mail address.")],
    workspace: Into = None,
    admin: Annotated[bool, typer.Option("--admin", help="May do everything there.")] = False,
    no_token: Annotated[bool, typer.Option("--no-token", help="Make no token.")] = False,
    output: OutputOption = Output.text,
) -> None:
    """Make a user; its first token is shown this once.

    [dim]Example: openlake workspace members add ana@example.com[/dim]
    """
    api = _operator()
    body = {"user_name": user, "admin": admin, "with_token": not no_token}
    made = api.post(members_path(api, workspace), body)
    if output is Output.json:
        print_json(made)
        return
    console.print(f"[green]✓[/] {user} added{' as an admin' if admin else ''}")
    if value := made.get("token_value"):
        _show_token(user, value)


@members.command("remove")
def remove_member(
    user: Annotated[str, typer.Argument(help="The user's name.")],
    workspace: Into = None,
    output: OutputOption = Output.text,
) -> None:
    """Delete a user; its tokens end at once.

    [dim]Example: openlake workspace members remove ana@example.com[/dim]
    """
    api = _operator()
    api.delete(f"{members_path(api, workspace)}/{user}")
    _done(output, {"user_name": user}, f"{user} removed")


@members.command("list")
def list_members(workspace: Into = None, output: OutputOption = Output.text) -> None:
    """List the users and service principals.

    [dim]Example: openlake workspace members list[/dim]
    """
    api = _operator()
    found = api.get(members_path(api, workspace))["members"]
    if output is Output.json:
        print_json(found)
        return
    table = quiet_table("name", "shown as", "kind", "admin", "active")
    for each in found:
        kind = each["kind"].replace("_", " ")
        words = ["yes" if each[name] else "" for name in ("admin", "active")]
        table.add_row(each["user_name"], each["display_name"], kind, *words)
    console.print(table)


def members_path(api: Api, workspace: str | None) -> str:
    """Return where the members of a workspace are; of the one in use if none is named.

    Raises:
        NotFound: there is none of this name or id.
    """
    if workspace is not None:
        return f"{_PATH}/{_find(api, workspace)['workspace_id']}/members"
    return f"{_PATH}/{current.workspace_id(_layout()) or _FIRST}/members"


# Parts -------------------------------------------------------------------------------------


def _layout() -> Layout:
    return Layout(Settings())


def _operator() -> Api:
    """Return a session of the stack's operator, whatever workspace is in use."""
    return connect(operator=True)


def _fields(catalog: str | None, warehouse: str | None, max_runs: int | None) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if catalog is not None:
        fields["default_catalog"] = catalog or None
    if warehouse is not None:
        fields["default_warehouse_id"] = warehouse or None
    if max_runs is not None:
        fields["max_concurrent_runs"] = max_runs or None
    return fields


def _all(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        page = api.get(_PATH, page_token=token)
        found += page["workspaces"]
        token = page.get("next_page_token")
        if not token:
            return found


def _find(api: Api, which: str) -> dict[str, Any]:
    found = _all(api)
    for each in found:
        if which in (each["name"], str(each["workspace_id"])):
            return each
    names = ", ".join(each["name"] for each in found)
    raise NotFound(f"there is no workspace '{which}'; there are {names}")


def _show(found: dict[str, Any], output: Output) -> None:
    if output is Output.json:
        print_json(found)
        return
    table = quiet_table("", "")
    table.show_header = False
    rows = {
        "name": found["name"],
        "id": str(found["workspace_id"]),
        "catalog": found.get("default_catalog", "none"),
        "warehouse": found.get("default_warehouse_id", "none"),
        "runs at once": str(found.get("max_concurrent_runs", "no limit")),
    }
    for name, value in rows.items():
        table.add_row(f"[dim]{name}[/]", value)
    console.print(table)


def _show_token(user: str, value: str) -> None:
    console.print(f"The token of {user}, shown this once:")
    console.print(f"  export DATABRICKS_HOST={_layout().api_url}", soft_wrap=True)
    console.print(f"  export DATABRICKS_TOKEN={value}", soft_wrap=True)


def _done(output: Output, facts: dict[str, Any], text: str) -> None:
    if output is Output.json:
        print_json(facts)
    else:
        console.print(f"[green]✓[/] {text}")
