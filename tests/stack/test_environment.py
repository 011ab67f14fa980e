"""What the processes of the stack are told by their environment."""

import os

import pytest

from control.config import Git, GitHost, Settings, Worker
from control.git.client import GitClient
from control.stack.environment import index_environment, settings_environment
from control.stack.layout import Layout
from spec.compute import ComputeProfile
from spec.git import GitSource


def test_compute_profiles_come_through_and_tokens_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = ComputeProfile(
        spark_conf={"spark.master": "local[8]"}, spark_env_vars={"A_b": "1"}, dependencies=("six",)
    )
    settings = Settings(
        worker=Worker(compute_profiles={"Big-1": profile}),
        git=Git.model_validate({"hosts": {"h.example": {"token": "hush!"}}, "max_files": 7}),
    )
    variables = settings_environment(Layout(settings))
    assert "hush!" not in "".join(variables.values())
    for name in [name for name in os.environ if name.startswith("OPENLAKE_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    again = Settings()
    assert again.worker.compute_profiles == {"Big-1": profile}
    assert (again.git.max_files, again.git.hosts) == (7, {})


def test_uv_is_told_what_pip_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://more.example/simple")
    monkeypatch.setenv("UV_INDEX", "https://uv.example/simple")
    assert index_environment() == {
        "UV_DEFAULT_INDEX": "https://pip.example/simple",
        "UV_INDEX": "https://uv.example/simple",
    }


def test_a_token_is_shown_to_its_own_host_only() -> None:
    host = GitHost.model_validate({"token": "t0ken"})
    client = GitClient(hosts={"one.example": host}, environment={"PATH": "/usr/bin"})

    def told(url: str) -> dict[str, str]:
        source = GitSource(git_url=url, git_provider="gitHub", git_branch="main")
        return client.variables(source)

    own = told("https://one.example/a/b")
    assert "http.https://one.example/.extraHeader" in own.values()
    assert "t0ken" not in "".join(own.values())
    assert "extraHeader" not in "".join(told("https://two.example/a/b").values())
    assert own["GIT_TERMINAL_PROMPT"] == "0"
    assert "HOME" not in own
