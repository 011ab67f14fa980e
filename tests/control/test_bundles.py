"""Bundles, from the first deployment to the last, against the API in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from control.cli.bundle import carry_out, prepare
from control.cli.bundles import state
from control.cli.bundles.deploying import Deployer
from control.cli.bundles.folder import Reader
from control.cli.client import Api
from control.deps import Deps
from spec.bundle_ids import ResourceKey
from spec.bundle_plan import Action, Plan
from spec.bundle_resources import KINDS
from spec.errors import InvalidFile, OpenLakeError
from tests.control.serving import serving

ROOT = """\
bundle: {name: shop}
variables:
  wh: {lookup: {warehouse: duckdb}}
  who: {default: nobody}
targets:
  dev: {default: true}
  prod:
    mode: production
    workspace: {root_path: /Workspace/Shared/shop}
resources:
  jobs:
    nightly:
      name: nightly ${var.who}
      tasks:
        - {task_key: a, notebook_task: {notebook_path: src/book.py}}
        - task_key: q
          depends_on: [{task_key: a}]
          sql_task: {warehouse_id: "${var.wh}", file: {path: src/q.sql}}
    caller:
      tasks:
        - {task_key: r, run_job_task: {job_id: "${resources.jobs.nightly.id}"}}
  secret_scopes:
    keys: {name: shop-keys}
  sql_warehouses:
    small: {name: shop, cluster_size: X-Small, auto_stop_mins: 10}
"""
BOOK = "# Databricks notebook source\nprint(1)\n"


@dataclass
class Shop:
    """A bundle's folder, and the API it goes to."""

    api: Api
    folder: Path
    user: str
    said: list[str] = field(default_factory=list)

    def write(self, path: str, text: str) -> None:
        """Write a file of the bundle."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def change(self, before: str, after: str) -> None:
        """Change databricks.yml."""
        text = (self.folder / "databricks.yml").read_text()
        assert before in text
        self.write("databricks.yml", text.replace(before, after))

    def deployer(self, target: str | None = None, *variables: str) -> Deployer:
        """Read the bundle as it is."""
        from control.cli.bundles.lookups import find

        def look_up(kind: str, name: str) -> str:
            return find(self.api, kind, name)

        reader = Reader(self.folder, target, variables, self.user, self.api.url, look_up)
        return prepare(self.api, reader)

    def plan(self, *variables: str) -> Plan:
        """Return what would be done."""
        return self.deployer(None, *variables).plan()

    def deploy(self, *variables: str, target: str | None = None) -> dict[ResourceKey, str]:
        """Deploy it."""
        deployer = self.deployer(target, *variables)
        return carry_out(deployer, deployer.plan(), quiet=True)

    def destroy(self) -> None:
        """Delete all of it."""
        deployer = self.deployer()
        assert deployer.state is not None
        planned = deployer.plan_destroy()
        with state.locked(self.api, deployer.bundle, deployer.version, force=True) as lock:
            deployer.destroy(planned, lock, self.said.append)
            lock.finish("destroyed")

    def audit(self) -> int:
        """Return the newest entry of the audit log."""
        return int(self.api.get("/api/openlake/1.0/audit", limit=1)["entries"][0]["audit_id"])

    def jobs(self) -> dict[str, int]:
        """Return the ids of all jobs by name."""
        listed = list(self.api.pages("/api/2.2/jobs/list", "jobs", 100))
        assert len({job["settings"]["name"] for job in listed}) == len(listed), "no doubles"
        return {job["settings"]["name"]: int(job["job_id"]) for job in listed}

    def files(self) -> list[str]:
        """Return the names of the files of the bundle's folder in the workspace."""
        root = f"/Users/{self.user}/.bundle/shop/dev/files"
        found = self.api.get("/api/2.0/workspace/list", path=root).get("objects", [])
        inner = self.api.get("/api/2.0/workspace/list", path=f"{root}/src").get("objects", [])
        return sorted(each["path"].removeprefix(f"{root}/") for each in (*found, *inner))


@pytest.fixture
async def shop(
    deps: Deps, token: str, api: httpx2.AsyncClient, tmp_path: Path
) -> AsyncIterator[Shop]:
    """A small bundle that nobody has deployed yet."""
    async with serving(deps) as url:
        session = Api(url, token)
        me = await asyncio.to_thread(session.get, "/api/2.0/preview/scim/v2/Me")
        found = Shop(session, tmp_path / "shop", str(me["userName"]))
        found.write("databricks.yml", ROOT)
        found.write("src/book.py", BOOK)
        found.write("src/q.sql", "SELECT 1")
        yield found
        session.close()


def actions(planned: Plan) -> dict[str, str]:
    """Return what is done to what, but for what stays."""
    return {str(s.at): s.action.value for s in planned.steps if s.action is not Action.UNCHANGED}


async def in_thread(work: Callable[[], Any]) -> Any:
    """Run what blocks beside the API."""
    return await asyncio.to_thread(work)


async def test_deploying_again_writes_nothing_at_all(shop: Shop) -> None:
    def work() -> None:
        first = shop.plan()
        assert set(actions(first).values()) == {"create"} and len(first.steps) == 4
        made = shop.deploy()
        assert shop.jobs() == {
            "nightly nobody": int(made[ResourceKey("jobs", "nightly")]),
            "caller": int(made[ResourceKey("jobs", "caller")]),
        }
        caller = shop.api.get("/api/2.2/jobs/get", job_id=made[ResourceKey("jobs", "caller")])
        task = caller["settings"]["tasks"][0]["run_job_task"]
        assert task["job_id"] == shop.jobs()["nightly nobody"]
        assert shop.files() == ["databricks.yml", "src", "src/book", "src/q.sql"]
        before = shop.audit()
        assert shop.plan().is_empty
        assert shop.deploy() == made
        assert shop.audit() == before, "not even a lock is taken"

    await in_thread(work)


async def test_only_what_changed_is_changed(shop: Shop) -> None:
    def work() -> None:
        made = shop.deploy()
        shop.write("src/q.sql", "SELECT 2")
        shop.write("src/new.py", "")
        shop.change("auto_stop_mins: 10", "auto_stop_mins: 20")
        planned = shop.plan("who=all")
        assert actions(planned) == {"jobs.nightly": "update", "sql_warehouses.small": "update"}
        changes = {c.path: (c.before, c.after) for s in planned.steps for c in s.changes}
        assert changes == {
            "name": ("nightly nobody", "nightly all"),
            "auto_stop_mins": (10, 20),
        }
        assert [path.rpartition("/")[2] for path in planned.files.upload] == [
            "databricks.yml",
            "new.py",
            "q.sql",
        ]
        assert shop.deploy("who=all") == made, "a job that is renamed is the same job"
        assert set(shop.jobs()) == {"nightly all", "caller"}
        (shop.folder / "src" / "new.py").unlink()
        shop.change("    caller:", "    renamed:")
        planned = shop.plan("who=all")
        assert actions(planned) == {"jobs.renamed": "create", "jobs.caller": "delete"}
        assert [step.at.key for step in planned.losses] == ["caller"]
        shop.deploy("who=all")
        assert set(shop.jobs()) == {"nightly all", "renamed"}
        assert shop.files() == ["databricks.yml", "src", "src/book", "src/q.sql"]

    await in_thread(work)


async def test_what_others_changed_is_put_right(shop: Shop) -> None:
    def work() -> None:
        made = shop.deploy()
        job_id = int(made[ResourceKey("jobs", "caller")])
        settings = {"job_id": job_id, "new_settings": {"max_concurrent_runs": 9}}
        shop.api.post("/api/2.2/jobs/update", settings)
        path = f"/Users/{shop.user}/.bundle/shop/dev/files/src/q.sql"
        body = {"path": path, "content": "", "format": "AUTO", "overwrite": True}
        shop.api.post("/api/2.0/workspace/import", body)
        shop.api.post("/api/2.2/jobs/delete", {"job_id": int(made[ResourceKey("jobs", "nightly")])})
        planned = shop.plan()
        assert actions(planned) == {"jobs.nightly": "create", "jobs.caller": "update"}
        assert planned.files.upload == (path,)
        shop.deploy()
        assert shop.plan().is_empty

    await in_thread(work)


class Died(BaseException):
    """The process was killed here."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_deployment_that_dies_anywhere_is_finished_by_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """Every call that writes is the last one of a process, once before and once after it."""
    original = Api.post
    left = 0

    def post(self: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
        nonlocal left
        left -= 1
        if left == -1 and not after:
            raise Died
        answer = original(self, path, body)
        if left == -1:
            raise Died
        return answer

    def dies(after_calls: int) -> bool:
        nonlocal left
        left = after_calls
        monkeypatch.setattr(Api, "post", post)
        try:
            shop.deploy()
        except Died:
            return True
        finally:
            monkeypatch.setattr(Api, "post", original)
        return False

    def work() -> None:
        text = (shop.folder / "databricks.yml").read_text()
        shop.write("databricks.yml", text.partition("  secret_scopes:")[0])
        (shop.folder / "src" / "q.sql").rename(shop.folder / "src" / "b.sql")
        shop.change("src/q.sql", "src/b.sql")
        calls = int(after)
        while dies(calls):
            calls += 3
            # Nobody lets go of the lock of a dead process; time does, or force.
            deployer = shop.deployer()
            carry_out(deployer, deployer.plan(), force_lock=True, quiet=True)
            assert set(shop.jobs()) == {"nightly nobody", "caller"}
            deployer = shop.deployer()
            assert deployer.plan().is_empty and deployer.is_settled, calls
            shop.destroy()
            assert shop.jobs() == {}
        assert calls > 10, "it was killed in many places"

    await in_thread(work)


async def test_two_at_once_and_an_old_plan_are_refused(shop: Shop) -> None:
    def work() -> None:
        first, second = shop.deployer(), shop.deployer()
        planned, late = first.plan(), second.plan()
        with state.locked(shop.api, first.bundle, 0, force=False) as lock:
            with pytest.raises(OpenLakeError, match="has been deploying shop to dev since"):
                carry_out(second, late, quiet=True)
            first.apply(planned, lock, shop.said.append)
            lock.finish("deployed")
        with pytest.raises(OpenLakeError, match="while this plan was made"):
            carry_out(second, late, quiet=True)
        assert len(shop.jobs()) == 2

    await in_thread(work)


async def test_destroying_takes_only_what_was_deployed(shop: Shop) -> None:
    def work() -> None:
        shop.api.post("/api/2.0/secrets/scopes/create", {"scope": "others"})
        shop.deploy()
        shop.deploy(target="prod")
        mine = f"/Users/{shop.user}/.bundle/shop/dev/files/mine.txt"
        shop.api.post("/api/2.0/workspace/import", {"path": mine, "content": "", "format": "RAW"})
        shop.destroy()
        assert shop.deployer().state is None
        assert shop.deployer("prod").state is not None

    # Both targets name the same scope: the second one must not take what the first one made.
    with pytest.raises(OpenLakeError, match="which this bundle has not made"):
        await in_thread(work)

    def again() -> None:
        shop.change("{name: shop-keys}", "{name: 'keys-${bundle.target}'}")
        shop.change("{name: shop,", "{name: 'shop-${bundle.target}',")
        shop.deploy()
        shop.deploy(target="prod")
        mine = f"/Users/{shop.user}/.bundle/shop/dev/files/mine.txt"
        shop.api.post("/api/2.0/workspace/import", {"path": mine, "content": "", "format": "RAW"})
        shop.destroy()
        assert shop.deployer().state is None and shop.deployer("prod").state is not None
        scopes = shop.api.get("/api/2.0/secrets/scopes/list")["scopes"]
        assert [each["name"] for each in scopes] == ["keys-prod", "others"]
        assert shop.api.get("/api/2.0/workspace/get-status", path=mine)["object_type"] == "FILE"

    await in_thread(again)


async def test_permissions_are_given_and_kept(shop: Shop) -> None:
    def work() -> None:
        user = {"userName": "ann@x.org", "displayName": "Ann"}
        shop.api.post("/api/2.0/preview/scim/v2/Users", user)
        shop.write(
            "databricks.yml",
            ROOT + "permissions: [{level: CAN_VIEW, user_name: ann@x.org},"
            " {level: CAN_MANAGE, user_name: '${workspace.current_user.userName}'}]\n",
        )
        shop.change(
            "    caller:\n",
            "    caller:\n      permissions: [{level: CAN_MANAGE_RUN, user_name: ann@x.org}]\n",
        )
        made = shop.deploy()
        planned = shop.plan()
        assert planned.is_empty, planned
        found = shop.api.get(f"/api/2.0/permissions/jobs/{made[ResourceKey('jobs', 'caller')]}")
        held = {
            entry.get("user_name"): entry["all_permissions"][0]["permission_level"]
            for entry in found["access_control_list"]
        }
        assert held["ann@x.org"] == "CAN_MANAGE_RUN" and held[shop.user] == "IS_OWNER"
        shop.change("CAN_MANAGE_RUN", "CAN_VIEW")
        assert actions(shop.plan()) == {"jobs.caller": "update"}
        shop.deploy()
        assert shop.plan().is_empty

    await in_thread(work)


async def test_permissions_that_the_bundle_gives_no_more_are_taken_back_and_no_others(
    shop: Shop,
) -> None:
    caller = "    caller:\n      permissions: [{level: CAN_VIEW, user_name: ann@x.org}]\n"
    whole = "permissions: [{level: CAN_VIEW, user_name: bob@x.org}]\n"

    def held(kind: str, object_id: str) -> dict[str, str]:
        found = shop.api.get(f"/api/2.0/permissions/{kind}/{object_id}")["access_control_list"]
        return {
            entry["user_name"]: level["permission_level"]
            for entry in found
            if entry.get("user_name", shop.user) != shop.user
            for level in entry["all_permissions"]
            if not level.get("inherited")
        }

    def give(kind: str, object_id: str, name: str, level: str) -> None:
        entry = {"user_name": name, "permission_level": level}
        body = {"access_control_list": [entry]}
        shop.api.patch(f"/api/2.0/permissions/{kind}/{object_id}", body)

    def work() -> None:
        for name in ("ann", "bob", "carl"):
            user = {"userName": f"{name}@x.org", "displayName": name}
            shop.api.post("/api/2.0/preview/scim/v2/Users", user)
        shop.write("databricks.yml", ROOT + whole)
        shop.change("    caller:\n", caller)
        made = shop.deploy()
        job, scope = made[ResourceKey("jobs", "caller")], made[ResourceKey("secret_scopes", "keys")]
        deployment = shop.deployer().state
        assert deployment is not None
        assert held("jobs", job) == {"ann@x.org": "CAN_VIEW", "bob@x.org": "CAN_VIEW"}
        shop.change(caller, "    caller:\n")
        shop.change(whole, "")
        give("jobs", job, "carl@x.org", "CAN_VIEW")
        give("jobs", job, "bob@x.org", "CAN_MANAGE_RUN")
        planned = shop.plan()
        wanted = {"jobs.caller": "update", "jobs.nightly": "update", "secret_scopes.keys": "update"}
        assert actions(planned) == {**wanted, "sql_warehouses.small": "update"}
        of_caller = next(step for step in planned.steps if step.at.key == "caller")
        gone = [(change.path, change.before, change.after) for change in of_caller.changes]
        assert gone == [('permissions["user_name ann@x.org"]', "CAN_VIEW", None)]
        assert {each.path.partition(".")[0] for each in planned.permissions} == {
            "folder",
            "deployment",
        }
        shop.deploy()
        assert held("jobs", job) == {"carl@x.org": "CAN_VIEW", "bob@x.org": "CAN_MANAGE_RUN"}
        assert held("deployments", deployment.deployment_id) == {}
        acls = shop.api.get("/api/2.0/secrets/acls/list", scope=scope)["items"]
        assert [each["principal"] for each in acls] == [shop.user]
        before = shop.audit()
        shop.deploy()
        assert shop.plan().is_empty and shop.audit() == before, "nothing is left to do"

    await in_thread(work)


async def test_what_was_there_before_is_taken_over_only_when_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from control.cli import bundle

    def work() -> None:
        shop.api.post("/api/2.0/secrets/scopes/create", {"scope": "shop-keys"})
        with pytest.raises(OpenLakeError, match=r"bundle bind secret_scopes\.keys shop-keys"):
            shop.deploy()
        monkeypatch.setattr(bundle, "sign_in", lambda *_: shop.api)
        bundle.bind("secret_scopes.keys", "shop-keys", folder=shop.folder)
        with pytest.raises(OpenLakeError, match="is deployed already"):
            bundle.bind("secret_scopes.keys", "shop-keys", folder=shop.folder)
        shop.deploy()
        assert shop.plan().is_empty

    await in_thread(work)


async def test_lookups_that_find_nothing_are_told_with_their_place(shop: Shop) -> None:
    shop.change("warehouse: duckdb", "warehouse: nix")
    with pytest.raises(InvalidFile, match=r"databricks.yml:3:28: variables.wh.lookup.warehouse: "):
        await in_thread(shop.plan)


def test_levels_of_permissions_are_those_of_the_api() -> None:
    from control.permissions.levels import LEVELS, Kind
    from spec.api.secrets import Permission

    known = {
        "jobs": LEVELS[Kind.JOB],
        "sql_warehouses": LEVELS[Kind.WAREHOUSE],
        "experiments": LEVELS[Kind.EXPERIMENT],
        "secret_scopes": tuple(Permission),
    }
    for kind, levels in known.items():
        assert KINDS[kind].levels == tuple(each.value for each in levels), kind
