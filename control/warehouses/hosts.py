"""Chooses where the processes of warehouses run."""

from collections.abc import Mapping

from control.stack.layout import Layout
from control.warehouses.host import WarehouseHost


def warehouse_host(layout: Layout, environment: Mapping[str, str]) -> WarehouseHost:
    """Return the host that the settings name.

    Args:
        layout: Of the stack.
        environment: Of this process: in a pod it says where the API server is.

    Raises:
        CannotStart: the settings say Kubernetes, but this is no pod.
    """
    if layout.settings.warehouses.host == "kubernetes":
        from control.warehouses.kubernetes import KubernetesHost

        return KubernetesHost.in_pod(environment)
    from control.warehouses.local import LocalHost

    return LocalHost(layout)
