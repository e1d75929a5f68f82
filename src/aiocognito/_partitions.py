"""Regions, partitions and the names derived from a pool's id.

Copied from botocore 1.43.117 (`partitions.json`), so that making a `UserPool`
loads no botocore and opens no file.
"""

from __future__ import annotations

import re

from attrs import frozen

from aiocognito.errors import InvalidArgument, InvalidType

__all__ = ["IdentityPoolId", "UserPoolId", "parse_identity_pool_id", "parse_user_pool_id"]

# (partition, region pattern, DNS suffix). Each pattern is anchored by `fullmatch`.
_PARTITIONS: tuple[tuple[str, re.Pattern[str], str], ...] = tuple(
    (name, re.compile(pattern, re.ASCII), suffix)
    for name, pattern, suffix in (
        ("aws", r"(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-\d{1,2}", "amazonaws.com"),
        ("aws-cn", r"cn-[a-z]+-\d{1,2}", "amazonaws.com.cn"),
        ("aws-us-gov", r"us-gov-[a-z]+-\d{1,2}", "amazonaws.com"),
        ("aws-eusc", r"eusc-de-[a-z]+-\d{1,2}", "amazonaws.eu"),
        ("aws-iso", r"us-iso-[a-z]+-\d{1,2}", "c2s.ic.gov"),
        ("aws-iso-b", r"us-isob-[a-z]+-\d{1,2}", "sc2s.sgov.gov"),
        ("aws-iso-e", r"eu-isoe-[a-z]+-\d{1,2}", "cloud.adc-e.uk"),
        ("aws-iso-f", r"us-isof-[a-z]+-\d{1,2}", "csp.hci.ic.gov"),
    )
)

_POOL_NAME = re.compile(r"[0-9A-Za-z]+", re.ASCII)
_UUID = re.compile(r"[0-9a-f-]+", re.ASCII)
_MAX_ID = 55  # service model: UserPoolIdType, IdentityPoolId


@frozen(kw_only=True)
class UserPoolId:
    """A user pool's id, taken apart.

    Attributes:
        text: The id as given, such as ``eu-west-1_Ab12Cd34E``.
        region: The part before the underscore.
        name: The part after it, which SRP hashes.
        dns_suffix: The partition's suffix, such as ``amazonaws.com``.
    """

    text: str
    region: str
    name: str
    dns_suffix: str

    @property
    def host(self) -> str:
        return f"cognito-idp.{self.region}.{self.dns_suffix}"

    @property
    def issuers(self) -> tuple[str, str]:
        """Both spellings of ``iss``: the original and the updated one."""
        return (
            f"https://{self.host}/{self.text}",
            f"https://issuer-{self.host}/{self.text}",
        )

    @property
    def login_key(self) -> str:
        """The provider's name in an identity pool's ``Logins``."""
        return f"{self.host}/{self.text}"


@frozen(kw_only=True)
class IdentityPoolId:
    """An identity pool's id, taken apart."""

    text: str
    region: str
    dns_suffix: str

    @property
    def login_key(self) -> str:
        """The provider's name for OpenID tokens of the identity pool itself.

        What trust policies of roles call the identity pool: in China and GovCloud East the
        region is part of it, GovCloud West has a name of its own.
        """
        if self.region == "us-gov-west-1":
            return "cognito-identity-us-gov.amazonaws.com"
        if self.dns_suffix.endswith(".cn") or self.region.startswith("us-gov-"):
            return f"cognito-identity.{self.region}.{self.dns_suffix}"
        return f"cognito-identity.{self.dns_suffix}"


def parse_user_pool_id(text: str, argument: str = "user_pool_id") -> UserPoolId:
    """Check a user pool's id and take it apart.

    Raises:
        InvalidType: Not a `str`.
        InvalidArgument: Not ``<region>_<letters and digits>`` of a known partition.
    """
    region, name = _split(text, "_", argument, "like eu-west-1_Ab12Cd34E")
    if not _POOL_NAME.fullmatch(name):
        raise InvalidArgument(argument, "a user pool id like eu-west-1_Ab12Cd34E")
    suffix = dns_suffix(region, argument)
    return UserPoolId(text=text, region=region, name=name, dns_suffix=suffix)


def parse_identity_pool_id(text: str, argument: str = "identity_pool_id") -> IdentityPoolId:
    """Check an identity pool's id and take it apart. Raises as `parse_user_pool_id`."""
    region, unique = _split(text, ":", argument, "like eu-west-1:<uuid>")
    if not _UUID.fullmatch(unique):
        raise InvalidArgument(argument, "an identity pool id like eu-west-1:<uuid>")
    return IdentityPoolId(text=text, region=region, dns_suffix=dns_suffix(region, argument))


def dns_suffix(region: str, argument: str = "region") -> str:
    """Return the DNS suffix of a region's partition; refuse what is no region."""
    for _, pattern, suffix in _PARTITIONS:
        if pattern.fullmatch(region):
            return suffix
    raise InvalidArgument(argument, "in a known AWS region such as eu-west-1")


def _split(text: str, at: str, argument: str, shape: str) -> tuple[str, str]:
    if not isinstance(text, str):
        raise InvalidType(argument, "a str", text)
    head, found, tail = text.partition(at)
    if not found or len(text) > _MAX_ID:
        raise InvalidArgument(argument, shape)
    return head, tail
