"""The git repository a job takes its files from."""

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from spec.model import Model

_PROVIDERS = (
    "gitHub",
    "gitLab",
    "bitbucketCloud",
    "azureDevOpsServices",
    "gitHubEnterprise",
    "gitLabEnterpriseEdition",
    "bitbucketServer",
    "awsCodeCommit",
)


def _provider(value: object) -> object:
    for name in _PROVIDERS:
        if isinstance(value, str) and value.lower() == name.lower():
            return name
    raise ValueError(f"git_provider is one of {', '.join(_PROVIDERS)}")


class SparseCheckout(Model):
    """Only files below these folders are taken."""

    patterns: tuple[str, ...] = ()


class GitSnapshot(Model):
    """What a run took from the repository; only runs have it."""

    used_commit: str


class GitSource(Model):
    """A repository and what of it: a branch, a tag or a commit; pinned when a run is triggered."""

    git_url: str = Field(min_length=1, max_length=300)
    git_provider: Annotated[str, BeforeValidator(_provider)]
    git_branch: str | None = None
    git_tag: str | None = None
    git_commit: str | None = Field(default=None, pattern=r"^[0-9a-fA-F]{7,64}$")
    sparse_checkout: SparseCheckout | None = None
    git_snapshot: GitSnapshot | None = None
    """Filled in by a run; in a job's settings it is dropped."""

    @model_validator(mode="after")
    def _one(self) -> "GitSource":
        given = (self.git_branch, self.git_tag, self.git_commit)
        if sum(each is not None for each in given) != 1:
            raise ValueError("give exactly one of 'git_branch', 'git_tag' and 'git_commit'")
        return self
