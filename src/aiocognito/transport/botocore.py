"""The transport that real programs use: botocore's models, our own HTTP.

What comes from aiobotocore: the service models, the endpoint rules, the check and the
writing of parameters, the reading of answers. What does not: sending. The session
class given to it (`AioConfig(http_session_cls=…)`, its public seam) hands every
request to `_exchange`, which follows no redirect, keeps no cookie and bounds the
answer.

Rules of this file

* botocore is imported, and a client made, in a worker thread only. That opens some
  hundred files and costs far too long to do on an event loop.
* A client holds no connection: its session object is a stub that finds the connections
  of the call under way in a context variable. So a client belongs to no event loop.
* No setting of botocore's comes from the environment or from a profile, except the two
  that choose among AWS's own endpoints (FIPS, dual stack). No configuration file is
  read, so a broken one breaks nothing and no ``AWS_ENDPOINT_URL`` redirects a password.
  ``HTTPS_PROXY`` and ``NO_PROXY`` are honoured, never for loopback: the proxy of an
  https call sees a host name and no byte of the body.
* A signed call takes its keys from the caller's session (`_signing`), never from the
  surroundings, and a client that signs is another one than the client that does not.
* Errors leave as values through the frames that hold a request, and are raised where
  nothing secret is in reach of their traceback.

No private attribute of botocore or aiobotocore is touched.
"""

# ruff: noqa: PLC0415 - see the first rule

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import anyio
from attrs import field, frozen

from aiocognito._partitions import dns_suffix
from aiocognito.errors import (
    CognitoError,
    DeadlineExceeded,
    InvalidArgument,
    LocalProtocolError,
    RemoteProtocolError,
)
from aiocognito.flow.calls import Call, Reply, Service
from aiocognito.transport._exchange import (
    ExchangeFailed,
    Limits,
    ca_bundle,
    public_error,
)
from aiocognito.transport._link import Link, Once
from aiocognito.transport._sending import Sending, hide_bodies, under_way
from aiocognito.transport._session_stub import SessionStub
from aiocognito.transport._signing import checked_aws_session, frozen_keys, keys_of_the_call
from aiocognito.transport._urls import checked_url
from aiocognito.transport.base import revealed
from aiocognito.transport.error_codes import http_date, request_id_in

__all__ = ["BotocoreTransport"]

T = TypeVar("T")


class BotocoreTransport:
    """Sends the calls of one region's service.

    Unsigned ones, which is nearly all, never carry an ``Authorization`` header. Signed
    ones are refused unless somebody was named to sign them.

    Constructing it does no I/O and loads no botocore. The first `send` does, in a
    worker thread. Tasks of one event loop may share it; after `aclose` it may be used
    on another loop.

    Args:
        region: An AWS region such as ``eu-west-1``.
        service: Which API.
        endpoint_url: Where to send calls instead of AWS. https, or plain http to this
            machine. Endpoints from the environment or a profile are never used.
        allow_http: Accept plain http to other machines too.
        deadline: Seconds for one whole call, the first connection included.
        connect_timeout: Seconds for a connection.
        read_timeout: Seconds without a byte of the answer.
        max_response_bytes: A larger answer is refused.
        max_connections: At the same time; further calls wait.
        aws: An aiobotocore session whose credentials sign what is to be signed. Nothing
            else of it is used: not its region, endpoint, retries or hooks.

    Raises:
        InvalidType: ``aws`` is no aiobotocore session.
        InvalidArgument: A region that no partition knows, or an unsafe endpoint.
    """

    def __init__(
        self,
        region: str,
        *,
        service: Service = "cognito-idp",
        endpoint_url: str | None = None,
        allow_http: bool = False,
        deadline: float = 10.0,
        connect_timeout: float = 3.0,
        read_timeout: float = 5.0,
        max_response_bytes: int = 256 * 1024,
        max_connections: int = 50,
        aws: Any = None,
    ) -> None:
        dns_suffix(region)
        if endpoint_url is not None:
            checked_url(endpoint_url, argument="endpoint_url", allow_http=allow_http)
        self._service = service
        self._deadline = deadline
        self._aws = None if aws is None else checked_aws_session(aws)
        self._client = Once(lambda: _make_client(service, region, endpoint_url))
        self._signing_client = Once(
            lambda: _make_client(service, region, endpoint_url, signed=True)
        )
        self._link = Link(
            Limits(
                connect_timeout=connect_timeout,
                read_timeout=read_timeout,
                max_response_bytes=max_response_bytes,
                max_connections=max_connections,
            )
        )

    @property
    def ca_bundle(self) -> str | None:
        """The file of authorities that the environment puts in place of the usual ones."""
        return ca_bundle()

    async def send(self, call: Call) -> Reply:
        """Send one call once and return its answer.

        Cancelling closes the connection; whether the service acted is then unknown.

        Raises:
            ServiceError: The service answered with an error.
            TransportError: No answer arrived in time.
            RemoteProtocolError: The answer cannot be read.
            InvalidArgument: The service model does not accept the parameters.
            LocalProtocolError: Another service's call, an operation that does not
                exist, a transport that belongs to another event loop, or nobody to sign.
        """
        if call.service != self._service:
            raise LocalProtocolError(f"This transport does not carry {call.service}.")
        outcome: Reply | CognitoError | None = None
        sent = False
        with anyio.move_on_after(self._deadline):
            client = await (self._signing_client if call.signed else self._client).get()
            sending = Sending(
                call=call,
                exchange=await self._link.exchange(),
                keys=await self._keys() if call.signed else None,
            )
            sent = True
            outcome = await _outcome(client, sending)
        if outcome is None:
            raise DeadlineExceeded(call.operation, retry_safe=call.repeatable or not sent)
        if isinstance(outcome, CognitoError):
            raise outcome
        return outcome

    async def _keys(self) -> Any:
        if self._aws is None:
            raise LocalProtocolError("Name an aiobotocore session (aws=) to sign this call.")
        return await frozen_keys(self._aws)

    async def aclose(self) -> None:
        """Close connections. Idempotent; a later `send` opens new ones."""
        await self._link.aclose()


# --- one call ---------------------------------------------------------------------


async def _outcome(client: _Client, sending: Sending) -> Reply | CognitoError:
    """Send, and return what became of it; only cancellation is raised."""
    call = sending.call
    try:
        method = client.method(call.operation)
        with under_way(sending):
            answer = await method(**revealed(call.parameters))
    except ExchangeFailed as failure:
        return public_error(failure, call.operation, repeatable=call.repeatable)
    except CognitoError as error:
        return _bare(error)
    except client.invalid_parameters as error:
        return _invalid(call.operation, str(error))
    except Exception as error:  # noqa: BLE001 - botocore's parser raises what it likes
        return _unexpected(sending, error)
    return _reply(sending, answer)


def _reply(sending: Sending, answer: Mapping[str, Any]) -> Reply:
    headers = sending.reply.headers if sending.reply else {}
    return Reply(
        body={name: value for name, value in answer.items() if name != "ResponseMetadata"},
        request_id=request_id_in(headers),
        date=http_date(headers.get("date")),
    )


def _bare(error: CognitoError) -> CognitoError:
    """Take off everything that leads to the frames which hold the request."""
    error.__context__ = None
    return error.with_traceback(None)


def _invalid(operation: str, report: str) -> CognitoError:
    """Name the parameter and keep the rest of botocore's report: it quotes values."""
    names = dict.fromkeys(_AT_FAULT.findall(report))
    where = f"{operation} parameter {', '.join(names)}" if names else f"{operation} parameters"
    return InvalidArgument(where, "what the service model allows (type, presence, length)")


_AT_FAULT = re.compile(
    r'^(?:Missing required parameter in [^:\n]*: "|Invalid \w+ for parameter )'
    r"([A-Za-z][\w.\[\]]*)",
    re.MULTILINE | re.ASCII,
)


def _unexpected(sending: Sending, error: Exception) -> CognitoError:
    operation = sending.call.operation
    if sending.reply is not None:
        return RemoteProtocolError(f"The answer to {operation} has members of the wrong type.")
    # The type alone: the text may quote the request.
    return LocalProtocolError(f"{operation} cannot be sent ({type(error).__name__}).")


# --- what happens in a worker thread ---------------------------------------------------


@frozen(kw_only=True)
class _Client:
    """A botocore client and what is needed of its library."""

    client: Any = field(repr=False)
    operations: Mapping[str, str]  # AWS's name to the method's
    invalid_parameters: type[Exception]

    def method(self, operation: str) -> Callable[..., Coroutine[Any, Any, dict[str, Any]]]:
        if operation not in self.operations:
            raise LocalProtocolError(f"There is no operation {operation}.")
        method: Callable[..., Coroutine[Any, Any, dict[str, Any]]] = getattr(
            self.client, self.operations[operation]
        )
        return method


_LOCK = threading.Lock()  # one client is made at a time: they share the session below
_SESSIONS: list[Any] = []  # the process's botocore session with its warm loader, or nothing


def _make_client(
    service: Service, region: str, endpoint_url: str | None, *, signed: bool = False
) -> _Client:
    """Make a client. Blocks (files, imports): never on an event loop's thread."""
    from botocore.exceptions import DataNotFoundError, ParamValidationError, UnknownServiceError

    hide_bodies()
    with _LOCK:
        try:
            client = _create_client(service, region, endpoint_url, signed)
        except (DataNotFoundError, UnknownServiceError):
            # The package was replaced below a running process: forget what was read.
            _SESSIONS.clear()
            client = _create_client(service, region, endpoint_url, signed)
    methods = client.meta.method_to_api_mapping
    return _Client(
        client=client,
        operations={operation: method for method, operation in methods.items()},
        invalid_parameters=ParamValidationError,
    )


def _create_client(service: Service, region: str, endpoint_url: str | None, signed: bool) -> Any:
    import aiobotocore
    from aiobotocore.config import AioConfig
    from botocore import UNSIGNED

    if not _SESSIONS:
        _SESSIONS.append(_new_session())
    # A custom endpoint and AWS's special ones exclude each other.
    variants = {} if endpoint_url is None else dict.fromkeys(_FROM_ENVIRONMENT, False)
    config = AioConfig(
        http_session_cls=SessionStub,
        signature_version="v4" if signed else UNSIGNED,
        retries={"total_max_attempts": 1, "mode": "standard"},
        ignore_configured_endpoint_urls=True,
        defaults_mode="legacy",
        # Given whole, because botocore composes its own twice for each call, which is
        # a sixth of a call's work. It appends "botocore/<version>".
        user_agent=f"aiocognito aiobotocore/{aiobotocore.__version__}",
        **variants,
    )
    creating = _SESSIONS[0].create_client(
        service, region_name=region, endpoint_url=endpoint_url, config=config
    )
    return _run_to_end(creating.__aenter__())


# The only settings of botocore's that the environment may decide.
_FROM_ENVIRONMENT = frozenset({"use_fips_endpoint", "use_dualstack_endpoint"})
_FILES = frozenset({"config_file", "credentials_file"})


def _new_session() -> Any:
    from aiobotocore.session import AioSession
    from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
    from botocore.loaders import Loader

    variables = {}
    for name, (_, variable, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
        variables[name] = (
            None,
            variable if name in _FROM_ENVIRONMENT else None,
            None if name in _FILES else default,
            convert,
        )
    session = AioSession(session_vars=variables)
    # Models come from the installed package alone, not from ~/.aws or AWS_DATA_PATH.
    loader = Loader(
        extra_search_paths=[Loader.BUILTIN_DATA_PATH],
        include_default_search_paths=False,
        file_loader=_Files(),
    )
    session.register_component("data_loader", loader)
    # Instead of the chain that would look through the environment, files and metadata.
    session.register_component("credential_provider", keys_of_the_call())
    return session


class _Files:
    """Reads botocore's data files without stalling the event loop from another thread.

    `json.loads` holds the interpreter's lock until a document is read. Plain dicts
    halve that time. The largest document by far, ``endpoints.json``, is of use only to
    services without endpoint rules, and both of ours have rules: it is left out.
    """

    def exists(self, path: str) -> bool:
        return any(Path(path + suffix).is_file() for suffix in _OPENERS)

    def load_file(self, path: str) -> Any:
        if Path(path).name == "endpoints":
            return {"version": 3, "partitions": []}
        for suffix, opener in _OPENERS.items():
            if Path(path + suffix).is_file():
                with opener(path + suffix, "rb") as file:
                    return json.loads(file.read())
        return None


_OPENERS: dict[str, Callable[..., Any]] = {".json": open, ".json.gz": gzip.open}


def _run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits, without an event loop.

    Making a client is written as a coroutine because looking up credentials may wait.
    Unsigned clients look up none, and `keys_of_the_call` has nothing to wait for.
    """
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise LocalProtocolError("This version of aiobotocore waits while it makes a client.")
