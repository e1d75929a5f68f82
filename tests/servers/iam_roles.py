"""IAM roles for those whom an identity pool knows, in the account on ministack."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.servers.ministack import Ministack


def add_role(server: Ministack, identity_pool_id: str, who: str, action: str, resource: str) -> str:
    """Make a role for the pool's users or guests that allows one action; return its ARN."""
    claims = "cognito-identity.amazonaws.com"
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": claims},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{claims}:aud": identity_pool_id},
            "ForAnyValue:StringLike": {f"{claims}:amr": who},
        },
    }
    allowed = {"Effect": "Allow", "Action": action, "Resource": resource}
    name, iam = f"{who}-{uuid.uuid4().hex}", server.owner("iam")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
    iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=_policy(allowed))
    arn: str = made["Role"]["Arn"]
    return arn


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
