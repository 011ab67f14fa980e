"""Turns our errors into Temporal's failures, in one place."""

from typing import Any

from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from spec.errors import OpenLakeError


class _Errors(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            return await super().execute_activity(input)
        except OpenLakeError as error:
            raise ApplicationError(
                error.message, type=type(error).__name__, non_retryable=not error.retryable
            ) from error


class ErrorInterceptor(Interceptor):
    """Keeps the retry decision next to the error class that makes it."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """See base class."""
        return _Errors(next)
