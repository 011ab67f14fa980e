"""`openlake permissions`: who may do what with an object."""

from typing import Annotated, Any

import typer

from control.cli.client import connect
from control.cli.output import Output, OutputOption, console, print_json, quiet_table
from spec.errors import Invalid

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="See and say who may do what with jobs, warehouses, queries, folders and the like.",
)

Type = Annotated[
    str,
    typer.Argument(
        metavar="TYPE",
        help="E.g. jobs, warehouses, queries, alerts, notebooks, directories, files.",
    ),
]
Id = Annotated[str, typer.Argument(metavar="ID", help="The object's id.")]

_API = "/api/2.0/permissions"
_FIELDS = ("user_name", "group_name", "service_principal_name")


@app.command("get")
def get(object_type: Type, object_id: Id, output: OutputOption = Output.text) -> None:
    """Show who may do what with an object, and where that comes from.

    [dim]Example: openlake permissions get jobs 12[/dim]
    """
    _show(connect().get(f"{_API}/{object_type}/{object_id}"), output)


@app.command("set")
def set_permissions(
    object_type: Type,
    object_id: Id,
    level: Annotated[str, typer.Argument(metavar="LEVEL", help="See `permissions levels`.")],
    user: Annotated[list[str] | None, typer.Option(help="A user's name; may be repeated.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="A group; may be repeated.")] = None,
    service_principal: Annotated[
        list[str] | None, typer.Option(help="An application id; may be repeated.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take what others were given directly.")
    ] = False,
    output: OutputOption = Output.text,
) -> None:
    """Give users, groups and service principals one level on an object.

    [dim]Example: openlake permissions set jobs 12 --user ann@example.com CAN_MANAGE_RUN[/dim]
    """
    named = zip(_FIELDS, (user, group, service_principal), strict=True)
    entries = [
        {field: name, "permission_level": level} for field, names in named for name in names or ()
    ]
    if not entries:
        raise Invalid("name somebody: --user, --group or --service-principal")
    place, body = f"{_API}/{object_type}/{object_id}", {"access_control_list": entries}
    api = connect()
    _show(api.put(place, body) if replace else api.patch(place, body), output)


@app.command("levels")
def levels(object_type: Type, object_id: Id, output: OutputOption = Output.text) -> None:
    """List the levels that an object can be given on; each includes those before it.

    [dim]Example: openlake permissions levels jobs 12[/dim]
    """
    found = connect().get(f"{_API}/{object_type}/{object_id}/permissionLevels")
    if output is Output.json:
        print_json(found)
        return
    table = quiet_table("level", "lets its holder")
    for each in found["permission_levels"]:
        table.add_row(each["permission_level"], each["description"].removeprefix("May "))
    console.print(table)


def _show(found: dict[str, Any], output: Output) -> None:
    if output is Output.json:
        print_json(found)
        return
    table = quiet_table("principal", "", "level", "inherited from")
    for each in found["access_control_list"]:
        field = next(field for field in _FIELDS if field in each)
        kind = field.removesuffix("_name").replace("_", " ")
        for held in each["all_permissions"]:
            place = ", ".join(held.get("inherited_from_object", ()))
            table.add_row(each[field], kind, held["permission_level"], place)
    console.print(table)
