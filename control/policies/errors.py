"""What cluster policies and instance pools raise beside the common errors."""

from spec.errors import Conflict


class NameTaken(Conflict):
    """Another one of the workspace has this name."""

    code = "RESOURCE_ALREADY_EXISTS"
