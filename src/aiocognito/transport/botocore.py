"""The transport that real programs use: botocore's models, our own HTTP.

What comes from botocore: the service models, the endpoint rules, the check and the
writing of parameters, the reading of answers. What does not: its clients. What they
add to a call (signing, retries, hooks, configuration) is what these calls must not
have, and it costs more than the rest of the call (docs/decisions/no-botocore-client.md).
A test compares what goes out with what aiobotocore's own client sends.

Rules of this file

* botocore is imported, and a model loaded, in a worker thread only. That opens files
  and costs far too long to do on an event loop.
* Nothing of botocore's is configured: no profile, no file of the user's, and of the
  environment only the two variables that choose among AWS's own endpoints (FIPS, dual
  stack). So no ``AWS_ENDPOINT_URL`` redirects a password. ``HTTPS_PROXY`` and
  ``NO_PROXY`` are honoured, never for loopback: the proxy of an https call sees a host
  name and no byte of the body.
* Errors leave as values through the frames that hold a request, and are raised where
  nothing secret is in reach of their traceback.
* Of botocore these public names are used, and no private attribute:
  ``endpoint_provider.EndpointProvider``, ``exceptions``, ``loaders.Loader``,
  ``model.ServiceModel``, ``parsers.create_parser``, ``serialize.create_serializer``;
  for signed calls ``auth.SigV4Auth`` and ``awsrequest.AWSRequest``.
* A signed call takes its keys from the caller's session (`_signing`), never from the
  surroundings; an unsigned one carries none.
"""

# ruff: noqa: PLC0415 - see the first rule

from __future__ import annotations

import functools
import gzip
import importlib
import json
import os
import re
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
from attrs import evolve, field, frozen

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
    Exchange,
    ExchangeFailed,
    Limits,
    Outgoing,
    ca_bundle,
    public_error,
)
from aiocognito.transport._link import Link, Once
from aiocognito.transport._query import form, require_xml
from aiocognito.transport._sending import hide_bodies, under_way
from aiocognito.transport._signing import checked_aws_session, frozen_keys
from aiocognito.transport._success import require_success
from aiocognito.transport._urls import checked_url, proxy_for
from aiocognito.transport.base import HttpReply, revealed
from aiocognito.transport.error_codes import http_date, request_id_in

__all__ = ["BotocoreTransport"]


class BotocoreTransport:
    """Sends the calls of one region's service.

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
        preload: Modules to import in that worker thread too, for a later use on the loop.

    Raises:
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
        preload: Sequence[str] = (),
    ) -> None:
        dns_suffix(region)
        if endpoint_url is not None:
            checked_url(endpoint_url, argument="endpoint_url", allow_http=allow_http)
        self._service = service
        self._deadline = deadline
        self._aws = None if aws is None else checked_aws_session(aws)
        self._api = Once(lambda: _load(service, region, endpoint_url, preload))
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
                exist, or a transport that belongs to another event loop.
        """
        if call.service != self._service:
            raise LocalProtocolError(f"This transport does not carry {call.service}.")
        outcome: Reply | CognitoError | None = None
        sent = False
        with anyio.move_on_after(self._deadline):
            api = await self._api.get()
            exchange = await self._link.exchange()
            sent = True
            outcome = await _outcome(api, exchange, call, self._keys)
        if outcome is None:
            raise DeadlineExceeded(call.operation, retry_safe=call.repeatable or not sent)
        if isinstance(outcome, CognitoError):
            raise outcome
        return outcome

    async def _keys(self) -> Any:
        if self._aws is None:
            raise LocalProtocolError("Give aws= an aiobotocore session to send signed calls.")
        return await frozen_keys(self._aws)

    async def aclose(self) -> None:
        """Close connections. Idempotent; a later `send` opens new ones."""
        await self._link.aclose()


# --- one call ---------------------------------------------------------------------


async def _outcome(
    api: _Api, exchange: Exchange, call: Call, keys: Callable[[], Awaitable[Any]]
) -> Reply | CognitoError:
    """Send, and return what became of it; only cancellation is raised."""
    reply: HttpReply | None = None
    try:
        outgoing = api.request(call)
        with under_way():
            if call.signed:
                outgoing = api.signed(outgoing, await keys())
            reply = await exchange.request(outgoing)
            api.require_success(reply, call)
            body = api.read(call.operation, reply)
    except ExchangeFailed as failure:
        return public_error(failure, call.operation, repeatable=call.repeatable)
    except CognitoError as error:
        return _bare(error)
    except api.invalid_parameters as error:
        return _invalid(call.operation, str(error))
    except Exception as error:  # noqa: BLE001 - botocore's parser raises what it likes
        return _unexpected(call.operation, error, answered=reply is not None)
    return Reply(
        body=body,
        request_id=request_id_in(reply.headers),
        date=http_date(reply.headers.get("date")),
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


def _unexpected(operation: str, error: Exception, *, answered: bool) -> CognitoError:
    if answered:
        return RemoteProtocolError(f"The answer to {operation} has members of the wrong type.")
    # The type alone: the text may quote the request.
    return LocalProtocolError(f"{operation} cannot be sent ({type(error).__name__}).")


@frozen(kw_only=True)
class _Api:
    """One service in one region: where it is, and how its calls are written and read.

    The check of the parameters stays on for calls that we build ourselves: it takes 7 to
    9 microseconds.
    """

    url: str
    proxy: str | None = field(repr=False)  # may hold a password
    user_agent: str
    operations: frozenset[str] = field(repr=False)
    model: Any = field(repr=False)
    serializer: Any = field(repr=False)
    parser: Any = field(repr=False)
    region: str
    require_success: Callable[[HttpReply, Call], None]
    sigv4: Any = field(repr=False)
    aws_request: Any = field(repr=False)
    invalid_parameters: type[Exception]

    def request(self, call: Call) -> Outgoing:
        """Write a call, checked against the model; here its secrets are opened."""
        if call.operation not in self.operations:
            raise LocalProtocolError(f"There is no operation {call.operation}.")
        written = self.serializer.serialize_to_request(
            revealed(call.parameters), self.model.operation_model(call.operation)
        )
        return Outgoing(
            method=written["method"],
            url=self.url,
            headers={**written["headers"], "User-Agent": self.user_agent},
            # STS's is a mapping yet: its serialiser leaves the rest to the HTTP library.
            body=form(written["body"]) if isinstance(written["body"], dict) else written["body"],
            proxy=self.proxy,
        )

    def signed(self, outgoing: Outgoing, keys: Any) -> Outgoing:
        """Sign with these keys, by botocore's SigV4."""
        request = self.aws_request(
            outgoing.method, outgoing.url, headers=dict(outgoing.headers), data=outgoing.body
        )
        self.sigv4(keys, self.model.signing_name, self.region).add_auth(request)
        return evolve(outgoing, headers=dict(request.headers))

    def read(self, operation: str, reply: HttpReply) -> dict[str, Any]:
        """Read a successful answer as the model describes it; what it does not know is left out."""
        read = self.parser.parse(
            {"status_code": reply.status, "headers": reply.headers, "body": reply.body},
            self.model.operation_model(operation).output_shape,
        )
        return {name: value for name, value in read.items() if name != "ResponseMetadata"}


# --- what happens in a worker thread ---------------------------------------------------


def _load(
    service: Service, region: str, endpoint_url: str | None, preload: Sequence[str] = ()
) -> _Api:
    """Prepare everything a call needs. Blocks (files, imports): never on a loop's thread."""
    import botocore
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import ParamValidationError
    from botocore.parsers import create_parser
    from botocore.serialize import create_serializer

    hide_bodies()
    for name in preload:
        importlib.import_module(name)
    with _LOADING:
        model, rules = _documents(service)
    url = _with_path(endpoint_url or _endpoint(rules, region))
    protocol = "query" if service == "sts" else "json"
    return _Api(
        url=url,
        proxy=proxy_for(url),
        user_agent=f"aiocognito botocore/{botocore.__version__}",
        operations=frozenset(model.operation_names),
        model=model,
        serializer=create_serializer(protocol),
        parser=create_parser(protocol),
        region=region,
        require_success=require_xml if protocol == "query" else require_success,
        sigv4=SigV4Auth,
        aws_request=AWSRequest,
        invalid_parameters=ParamValidationError,
    )


_LOADING = threading.Lock()  # one document is read at a time, and once


@functools.cache
def _documents(service: Service) -> tuple[Any, Any]:
    """Return the model and the endpoint rules of a service, shared by the whole process."""
    from botocore.endpoint_provider import EndpointProvider
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    # From the installed package alone, not from ~/.aws or AWS_DATA_PATH. A new loader,
    # because an old one remembers folders that an upgrade below us has taken away.
    loader = Loader(
        extra_search_paths=[Loader.BUILTIN_DATA_PATH],
        include_default_search_paths=False,
        file_loader=_Files(),
    )
    model = loader.load_service_model(service, "service-2")
    rules = loader.load_service_model(service, "endpoint-rule-set-1")
    partitions = loader.load_data("partitions")
    return ServiceModel(model, service_name=service), EndpointProvider(rules, partitions)


# The only settings of botocore's that the environment may decide.
_VARIANTS = {
    "UseFIPS": "AWS_USE_FIPS_ENDPOINT",
    "UseDualStack": "AWS_USE_DUALSTACK_ENDPOINT",
}


def _endpoint(rules: Any, region: str) -> str:
    """Return where AWS says that a region's service is."""
    from botocore.exceptions import EndpointProviderError

    wanted = {
        name: os.environ.get(variable, "").lower() == "true" for name, variable in _VARIANTS.items()
    }
    try:
        url: str = rules.resolve_endpoint(Region=region, **wanted).url
    except EndpointProviderError:
        variables = " and ".join(_VARIANTS.values())
        raise InvalidArgument("region", f"one that has what {variables} ask for") from None
    return url


def _with_path(url: str) -> str:
    return url if urlsplit(url).path else f"{url}/"


class _Files:
    """Reads botocore's data files without stalling the event loop from another thread.

    `json.loads` holds the interpreter's lock until a document is read. Plain dicts
    halve that time.
    """

    def exists(self, path: str) -> bool:
        return any(Path(path + suffix).is_file() for suffix in _OPENERS)

    def load_file(self, path: str) -> Any:
        for suffix, opener in _OPENERS.items():
            if Path(path + suffix).is_file():
                with opener(path + suffix, "rb") as file:
                    return json.loads(file.read())
        return None


_OPENERS: dict[str, Callable[..., Any]] = {".json": open, ".json.gz": gzip.open}
