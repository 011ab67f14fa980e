"""Reads commits with the `git` program: no prompt, hook or submodule, only https and ssh.

Nothing is ever checked out: files are read out of the object store of a bare repository in a
temporary folder, so neither links nor filters nor attributes of the repository can do anything.
"""

import asyncio
import base64
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from control.config import Git, GitHost
from control.git.address import host_of
from spec.errors import Invalid
from spec.git import GitSource

_MIB = 1024 * 1024
_LIMITED = 'ulimit -f "$0" && exec git "$@"'
_FULL_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_FILES = ("100644", "100755")


class CheckoutFailed(Invalid):
    """The repository, or what of it the job names, cannot be read."""

    code = "REPOSITORY_CHECKOUT_FAILED"


@dataclass(frozen=True)
class GitClient:
    """How repositories are reached.

    Args:
        settings: Limits, and whether folders of this machine may be named.
        hosts: Host → the token that it is shown.
        environment: Certificates and proxy of this machine.
    """

    settings: Git = field(default_factory=Git)
    hosts: Mapping[str, GitHost] = field(default_factory=dict[str, GitHost])
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def check(self, source: GitSource) -> None:
        """Raise when the address of a repository is not let through.

        Raises:
            Invalid: says why.
        """
        host_of(source.git_url, allow_file=self.settings.allow_file)

    async def resolve(self, source: GitSource) -> str:
        """Return the commit that a branch or tag is at now; a commit's name as it is written.

        Raises:
            CheckoutFailed: there is no such repository, branch or tag, or no way to it.
        """
        if source.git_commit is not None:
            return source.git_commit.lower()
        name = _ref(source)
        answer = await self._git(source, "ls-remote", "--", source.git_url, name, name + "^{}")
        found: dict[str, str] = {}
        for line in answer.decode().splitlines():
            commit, _, known = line.partition("\t")
            found[known] = commit
        # An annotated tag is an object of its own; `^{}` is the commit that it names.
        commit = found.get(name + "^{}", found.get(name, ""))
        if not commit:
            what = (
                f"branch '{source.git_branch}'" if source.git_branch else f"tag '{source.git_tag}'"
            )
            raise CheckoutFailed(f"the repository {source.git_url} has no {what}")
        return commit

    async def read(self, source: GitSource, commit: str) -> tuple[str, dict[str, bytes]]:
        """Return a commit's full name and its files; links and submodules are left out.

        Raises:
            CheckoutFailed: there is no such commit, or it is too large.
        """
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="openlake-git-"))
        try:
            await self._git(source, "init", "--quiet", "--bare", "--template=", ".", cwd=folder)
            full = await self._fetch(source, commit, folder)
            listing = await self._git(source, "ls-tree", "-rlz", full, cwd=folder)
            chosen = _choose(listing, source, self.settings)
            return full, await self._contents(source, chosen, folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _fetch(self, source: GitSource, commit: str, folder: Path) -> str:
        fetch = (
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
        )
        if _FULL_HASH.fullmatch(commit):
            try:
                await self._git(
                    source, *fetch, "--depth=1", "--", source.git_url, commit, cwd=folder
                )
                return await self._name(source, commit, folder)
            except CheckoutFailed:
                if source.git_commit is None:
                    raise
        # A shortened name, or a server that gives only what its branches name: look at all of it.
        everything = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        await self._git(source, *fetch, "--", source.git_url, *everything, cwd=folder)
        return await self._name(source, commit, folder)

    async def _name(self, source: GitSource, commit: str, folder: Path) -> str:
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", commit + "^{commit}")
        try:
            return (await self._git(source, *words, cwd=folder)).decode().strip()
        except CheckoutFailed:
            raise CheckoutFailed(
                f"the repository {source.git_url} has no commit '{commit}'"
            ) from None

    async def _contents(
        self, source: GitSource, chosen: Mapping[str, str], folder: Path
    ) -> dict[str, bytes]:
        wanted = "".join(f"{blob}\n" for blob in chosen.values()).encode()
        answer = await self._git(source, "cat-file", "--batch", cwd=folder, given=wanted)
        contents: dict[str, bytes] = {}
        at = 0
        for path in chosen:
            end = answer.index(b"\n", at)
            size = int(answer[at:end].split()[-1])
            contents[path] = answer[end + 1 : end + 1 + size]
            at = end + 1 + size + 1
        return contents

    async def _git(
        self, source: GitSource, *words: str, cwd: Path | None = None, given: bytes = b""
    ) -> bytes:
        """Run git and return what it printed.

        Raises:
            CheckoutFailed: it failed, took too long, or is not installed.
        """
        self.check(source)
        if shutil.which("git", path=self.environment.get("PATH", os.defpath)) is None:
            raise CheckoutFailed("there is no program 'git' on the control plane's machine; add it")
        blocks = self.settings.max_mib * _MIB * 2 // 512
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", _LIMITED, str(blocks), *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=cwd or tempfile.gettempdir(),
            env=self.variables(source),
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                printed, complaint = await process.communicate(given)
        except TimeoutError:
            what = f"did not answer within {self.settings.timeout_s:.0f} s"
            raise CheckoutFailed(f"the repository {source.git_url} {what}") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if process.returncode is None:
                await process.wait()
        if process.returncode != 0:
            raise CheckoutFailed(
                self._why(source, process.returncode, complaint.decode("utf-8", "replace"))
            )
        return printed

    def _why(self, source: GitSource, code: int | None, complaint: str) -> str:
        large = code == 128 + signal.SIGXFSZ or "File too large" in complaint
        if large or "signal 25" in complaint:
            reason = f"it is larger than {self.settings.max_mib} MiB"
        else:
            lines = [line.strip() for line in complaint.splitlines() if line.strip()]
            reason = " ".join(lines)[-500:] or f"git ended with code {code}"
        return f"the repository {source.git_url} cannot be read: {reason}"

    def variables(self, source: GitSource) -> dict[str, str]:
        """Return the whole environment of git: nothing of this machine's settings, no prompt."""
        host = host_of(source.git_url, allow_file=self.settings.allow_file)
        options = {
            "protocol.allow": "never",
            "protocol.https.allow": "always",
            "protocol.ssh.allow": "always",
            "core.hooksPath": os.devnull,
            "credential.helper": "",
            "safe.directory": "*",
        }
        if self.settings.allow_file:
            options["protocol.file.allow"] = "always"
        if (known := self.hosts.get(host)) is not None:
            pair = f"{known.user}:{known.token.get_secret_value()}".encode()
            header = f"Authorization: Basic {base64.b64encode(pair).decode()}"
            options[f"http.https://{host}/.extraHeader"] = header
        numbered: dict[str, str] = {"GIT_CONFIG_COUNT": str(len(options))}
        for number, (name, value) in enumerate(options.items()):
            numbered |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        return {
            "PATH": os.defpath,
            **self.environment,
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "SSH_ASKPASS": "/bin/false",
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=10",
            **numbered,
        }


def _ref(source: GitSource) -> str:
    name = source.git_branch or source.git_tag or ""
    if not name or not name.isprintable() or re.search(r"[\s~^:?*\[\\]|\.\.|^[-/]", name):
        raise CheckoutFailed(f"'{name}' is not the name of a branch or tag")
    return f"refs/{'heads' if source.git_branch else 'tags'}/{name}"


def _choose(listing: bytes, source: GitSource, limits: Git) -> dict[str, str]:
    """Return path → blob of the files to take."""
    folders = source.sparse_checkout.patterns if source.sparse_checkout is not None else ()
    chosen: dict[str, str] = {}
    total = 0
    for entry in listing.split(b"\0")[:-1]:
        facts, _, name = entry.partition(b"\t")
        mode, _, blob, size = facts.decode().split()
        path = name.decode("utf-8", "replace")
        if mode not in _FILES or "\ufffd" in path or not _taken(path, folders):
            continue
        chosen[path] = blob
        total += int(size)
        if len(chosen) > limits.max_files or total > limits.max_mib * _MIB:
            raise CheckoutFailed(
                f"the repository {source.git_url} has more than {limits.max_files:,} files or"
                f" {limits.max_mib} MiB at this commit; name folders in 'sparse_checkout'"
            )
    return chosen


def _taken(path: str, folders: Sequence[str]) -> bool:
    if ".." in path.split("/") or path.startswith("/"):
        return False
    if not folders:
        return True
    return any(
        path == folder.strip("/") or path.startswith(folder.strip("/") + "/") for folder in folders
    )
