"""AWS credentials for every tool on the machine: ``credential_process`` of a profile.

The AWS CLI and the AWS SDKs start a program that a profile names, and read credentials
from its standard output. This one keeps a session in a store::

    [profile cognito]
    credential_process = aiocognito-credential-process --user-pool-id … --username ana …

``sign-in`` puts the session there, at a terminal, and ``sign-out`` ends it. In between
credentials are kept beside the session as long as they are fresh, because SDKs start the
program at each start of theirs.

The modules are small and loaded late: a program that prints what is kept must not pay
for the ones that renew it.
"""
