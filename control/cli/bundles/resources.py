"""How each kind of resource is read, made, changed and deleted by the API."""

from collections.abc import Container, Mapping
from typing import Any, Protocol

from control.cli.bundles.lookups import find as look_up
from control.cli.bundles.lookups import in_path
from control.cli.client import Api
from spec.bundle_resources import Resource
from spec.errors import NotFound
from spec.jobs import JobSettings

Settings = dict[str, Any]


class Adapter(Protocol):
    """What one kind of resource needs."""

    @property
    def permissions(self) -> str | None:
        """The type of its permissions, see `Permissions.read`; None where it has none."""
        ...

    def wanted(self, resource: Resource) -> Settings:
        """Return what a resource is to say, in the form in which `read` answers."""
        ...

    def read(self, object_id: str, wanted: Mapping[str, Any]) -> Settings | None:
        """Return what it says now, of what `wanted` speaks of; None when it is gone."""
        ...

    def find(self, resource: Resource, besides: Container[str | None] = ()) -> str | None:
        """Return the id of what was made of this resource, or stands in its way.

        Args:
            resource: Whose name counts.
            besides: Ids of what belongs to other resources of the bundle.
        """
        ...

    def create(self, settings: Settings) -> str:
        """Make it; return its id."""
        ...

    def update(self, object_id: str, settings: Settings) -> str:
        """Change it; return its id, which may be another one."""
        ...

    def delete(self, object_id: str) -> None:
        """Delete it.

        Raises:
            NotFound: it is gone already.
        """
        ...

    def page(self, object_id: str) -> str:
        """Return the path of its page in the console."""
        ...


class _OverApi:
    """An adapter asks the API alone."""

    def __init__(self, api: Api) -> None:
        """See class."""
        self._api = api


class _Tracked(_OverApi):
    """An adapter of what MLflow keeps: its tags are compared by their keys."""

    def wanted(self, resource: Resource) -> Settings:
        """See `Adapter`."""
        return _tags_by_key(resource.settings)


class Jobs(_OverApi):
    """Jobs; marked with the deployment that they belong to."""

    permissions = "jobs"

    def __init__(self, api: Api, root_path: str) -> None:
        """See class."""
        super().__init__(api)
        self._mark = f"{root_path}/state/metadata.json"

    def wanted(self, resource: Resource) -> Settings:
        """See `Adapter`."""
        mark = {"kind": "BUNDLE", "metadata_file_path": self._mark}
        settings = {"edit_mode": "UI_LOCKED", **resource.settings, "deployment": mark}
        return _as_read(settings)

    def read(self, object_id: str, wanted: Mapping[str, Any]) -> Settings | None:
        """See `Adapter`."""
        try:
            current = _as_read(_whole_job(self._api, int(object_id)))
        except NotFound:
            return None
        if "run_as" not in wanted:
            # Whoever is not named stays: the API would not take it away.
            current.pop("run_as", None)
        return current

    def find(self, resource: Resource, besides: Container[str | None] = ()) -> str | None:
        """See `Adapter`; jobs of other deployments may have the same name."""
        name = resource.settings["name"]
        for job in self._api.pages("/api/2.2/jobs/list", "jobs", 1000, name=name):
            mark: dict[str, Any] = job["settings"].get("deployment") or {}
            job_id = str(job["job_id"])
            if mark.get("metadata_file_path") == self._mark and job_id not in besides:
                return job_id
        return None

    def create(self, settings: Settings) -> str:
        """See `Adapter`."""
        return str(self._api.post("/api/2.2/jobs/create", settings)["job_id"])

    def update(self, object_id: str, settings: Settings) -> str:
        """See `Adapter`."""
        body = {"job_id": int(object_id), "new_settings": settings}
        self._api.post("/api/2.2/jobs/reset", body)
        return object_id

    def delete(self, object_id: str) -> None:
        """See `Adapter`."""
        self._api.post("/api/2.2/jobs/delete", {"job_id": int(object_id)})

    def page(self, object_id: str) -> str:
        """See `Adapter`."""
        return f"/jobs/{object_id}"


def _as_read(settings: Settings) -> Settings:
    """Return a job's settings in the one form in which two can be compared."""
    from control.jobs.wire import complete, tidy

    try:
        model = JobSettings.model_validate(tidy(complete(settings)))
    except ValueError:
        return {}  # An older OpenLake took them; they differ from anything.
    return model.model_dump(mode="json", exclude_none=True)


def _whole_job(api: Api, job_id: int) -> Settings:
    """Return a job's settings; arrays of more than 100 entries come by pages."""
    answer = api.get("/api/2.2/jobs/get", job_id=job_id)
    settings: Settings = answer["settings"]
    while token := answer.get("next_page_token"):
        answer = api.get("/api/2.2/jobs/get", job_id=job_id, page_token=token)
        for name, value in answer["settings"].items():
            if isinstance(value, list):
                settings[name] = settings.get(name, []) + value
    return settings


def _spoken_of(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> Settings:
    return {name: current[name] for name in wanted if current.get(name) is not None}


class Warehouses(_OverApi):
    """SQL warehouses; what a bundle does not speak of stays as it is."""

    permissions = "warehouses"
    _path = "/api/2.0/sql/warehouses"

    def wanted(self, resource: Resource) -> Settings:
        """See `Adapter`."""
        return resource.settings

    def read(self, object_id: str, wanted: Mapping[str, Any]) -> Settings | None:
        """See `Adapter`."""
        try:
            current = self._api.get(f"{self._path}/{object_id}")
        except NotFound:
            return None
        return None if current.get("state") == "DELETED" else _spoken_of(current, wanted)

    def find(self, resource: Resource, besides: Container[str | None] = ()) -> str | None:
        """See `Adapter`; names are unique."""
        try:
            return look_up(self._api, "warehouse", str(resource.settings["name"]))
        except NotFound:
            return None

    def create(self, settings: Settings) -> str:
        """See `Adapter`."""
        return str(self._api.post(self._path, settings)["id"])

    def update(self, object_id: str, settings: Settings) -> str:
        """See `Adapter`."""
        self._api.post(f"{self._path}/{object_id}/edit", settings)
        return object_id

    def delete(self, object_id: str) -> None:
        """See `Adapter`."""
        self._api.delete(f"{self._path}/{object_id}")

    def page(self, object_id: str) -> str:
        """See `Adapter`."""
        return f"/sql/warehouses/{object_id}"


class SecretScopes(_OverApi):
    """Secret scopes; they are known by their names."""

    permissions = "secret_scopes"

    def wanted(self, resource: Resource) -> Settings:
        """See `Adapter`."""
        return {"name": resource.settings["name"]}

    def read(self, object_id: str, wanted: Mapping[str, Any]) -> Settings | None:
        """See `Adapter`."""
        scopes = self._api.get("/api/2.0/secrets/scopes/list").get("scopes", [])
        found = any(each["name"] == object_id for each in scopes)
        return {"name": object_id} if found else None

    def find(self, resource: Resource, besides: Container[str | None] = ()) -> str | None:
        """See `Adapter`."""
        name = str(resource.settings["name"])
        return name if self.read(name, {}) is not None else None

    def create(self, settings: Settings) -> str:
        """See `Adapter`."""
        self._api.post("/api/2.0/secrets/scopes/create", {"scope": settings["name"]})
        return str(settings["name"])

    def update(self, object_id: str, settings: Settings) -> str:
        """See `Adapter`; a scope has nothing that could be changed."""
        return object_id

    def delete(self, object_id: str) -> None:
        """See `Adapter`."""
        self._api.post("/api/2.0/secrets/scopes/delete", {"scope": object_id})

    def page(self, object_id: str) -> str:
        """See `Adapter`."""
        return f"/secrets/{in_path(object_id)}"


class Unity(_OverApi):
    """Schemas or volumes; they are known by their full names."""

    permissions = None

    def __init__(self, api: Api, kind: str, parts: tuple[str, ...]) -> None:
        """See class."""
        super().__init__(api)
        self._kind = kind
        self._path = f"/api/2.1/unity-catalog/{kind}"
        self._parts = parts

    def wanted(self, resource: Resource) -> Settings:
        """See `Adapter`."""
        return resource.settings

    def read(self, object_id: str, wanted: Mapping[str, Any]) -> Settings | None:
        """See `Adapter`."""
        try:
            current = self._api.get(f"{self._path}/{in_path(object_id)}")
        except NotFound:
            return None
        return _spoken_of(current, wanted)

    def find(self, resource: Resource, besides: Container[str | None] = ()) -> str | None:
        """See `Adapter`."""
        name = self._name(resource.settings)
        return name if self.read(name, {}) is not None else None

    def create(self, settings: Settings) -> str:
        """See `Adapter`."""
        usual = {"volume_type": "MANAGED"} if self._kind == "volumes" else {}
        self._api.post(self._path, {**usual, **settings})
        return self._name(settings)

    def update(self, object_id: str, settings: Settings) -> str:
        """See `Adapter`; the parts of the name do not change."""
        fields = (*self._parts, "volume_type")
        rest = {name: value for name, value in settings.items() if name not in fields}
        self._api.patch(f"{self._path}/{in_path(object_id)}", rest)
        return object_id

    def delete(self, object_id: str) -> None:
        """See `Adapter`."""
        self._api.delete(f"{self._path}/{in_path(object_id)}")

    def page(self, object_id: str) -> str:
        """See `Adapter`."""
        return f"/catalogs/{in_path(object_id)}"

    def _name(self, settings: Mapping[str, Any]) -> str:
        return ".".join(str(settings[part]) for part in self._parts)


class Experiments(_Tracked):
    """Experiments of MLflow."""

    permissions = "experiments"
    _path = "/api/2.0/mlflow/experiments"

    def read(self, object_id: str, wanted: Mapping[str, Any]) -> Settings | None:
        """See `Adapter`."""
        try:
            found = self._api.get(f"{self._path}/get", experiment_id=object_id)["experiment"]
        except NotFound:
            return None
        deleted = found.get("lifecycle_stage") == "deleted"
        return None if deleted else _tagged_as(_tags_by_key(found), wanted)

    def find(self, resource: Resource, besides: Container[str | None] = ()) -> str | None:
        """See `Adapter`."""
        found = self._named(resource.settings["name"])
        if found is None or found.get("lifecycle_stage") == "deleted":
            return None
        return str(found["experiment_id"])

    def _named(self, name: str) -> Settings | None:
        try:
            answer = self._api.get(f"{self._path}/get-by-name", experiment_name=name)
        except NotFound:
            return None
        return answer["experiment"]

    def create(self, settings: Settings) -> str:
        """See `Adapter`; a deleted one keeps its name in MLflow, so it comes back with its runs."""
        deleted = self._named(settings["name"])
        if deleted is not None:
            object_id = str(deleted["experiment_id"])
            self._api.post(f"{self._path}/restore", {"experiment_id": object_id})
            return self.update(object_id, settings)
        body = {**settings, "tags": _tag_list(settings)}
        return str(self._api.post(f"{self._path}/create", body)["experiment_id"])

    def update(self, object_id: str, settings: Settings) -> str:
        """See `Adapter`."""
        if (self.read(object_id, settings) or {}).get("name") != settings["name"]:
            body = {"experiment_id": object_id, "new_name": settings["name"]}
            self._api.post(f"{self._path}/update", body)
        for tag in _tag_list(settings):
            self._api.post(f"{self._path}/set-experiment-tag", {"experiment_id": object_id, **tag})
        return object_id

    def delete(self, object_id: str) -> None:
        """See `Adapter`."""
        self._api.post(f"{self._path}/delete", {"experiment_id": object_id})

    def page(self, object_id: str) -> str:
        """See `Adapter`."""
        return f"/ml/experiments/{object_id}"


class Models(_Tracked):
    """Models of MLflow's registry; they are known by their names."""

    permissions = None
    _path = "/api/2.0/mlflow/registered-models"

    def read(self, object_id: str, wanted: Mapping[str, Any]) -> Settings | None:
        """See `Adapter`."""
        try:
            found = self._api.get(f"{self._path}/get", name=object_id)["registered_model"]
        except NotFound:
            return None
        return _tagged_as(_tags_by_key(found), wanted)

    def find(self, resource: Resource, besides: Container[str | None] = ()) -> str | None:
        """See `Adapter`."""
        name = str(resource.settings["name"])
        return name if self.read(name, {}) is not None else None

    def create(self, settings: Settings) -> str:
        """See `Adapter`."""
        self._api.post(f"{self._path}/create", {**settings, "tags": _tag_list(settings)})
        return str(settings["name"])

    def update(self, object_id: str, settings: Settings) -> str:
        """See `Adapter`."""
        name = str(settings["name"])
        if name != object_id:
            self._api.post(f"{self._path}/rename", {"name": object_id, "new_name": name})
        if "description" in settings:
            body = {"name": name, "description": settings["description"]}
            self._api.patch(f"{self._path}/update", body)
        for tag in _tag_list(settings):
            self._api.post(f"{self._path}/set-tag", {"name": name, **tag})
        return name

    def delete(self, object_id: str) -> None:
        """See `Adapter`."""
        self._api.delete(f"{self._path}/delete", name=object_id)

    def page(self, object_id: str) -> str:
        """See `Adapter`."""
        return f"/ml/models/{in_path(object_id)}"


def _tags_by_key(settings: Mapping[str, Any]) -> Settings:
    tags = {tag["key"]: tag.get("value", "") for tag in settings.get("tags", [])}
    return {**settings, "tags": tags} if tags else {**settings}


def _tag_list(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in settings.get("tags", {}).items()]


def _tagged_as(current: Settings, wanted: Mapping[str, Any]) -> Settings:
    """Keep what is spoken of; tags that others have set are none of the bundle's business."""
    kept = _spoken_of(current, wanted)
    if "tags" in kept:
        names: dict[str, Any] = wanted["tags"]
        kept["tags"] = {name: kept["tags"][name] for name in names if name in kept["tags"]}
    return kept


def adapters(api: Api, root_path: str) -> dict[str, Adapter]:
    """Return the adapter of every kind of `spec.bundle_resources.KINDS`."""
    return {
        "schemas": Unity(api, "schemas", ("catalog_name", "name")),
        "volumes": Unity(api, "volumes", ("catalog_name", "schema_name", "name")),
        "secret_scopes": SecretScopes(api),
        "experiments": Experiments(api),
        "models": Models(api),
        "sql_warehouses": Warehouses(api),
        "jobs": Jobs(api, root_path),
    }
