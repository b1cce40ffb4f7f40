"""An administrator's tokens, and those that somebody makes who wants to come in without any right."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from rosterbridge.cli import cognito
from rosterbridge.cli.deployment import Pool
from tests.support.administration import Administration, User
from tests.support.flows import unique
from tests.support.stack import StackUnderTest

FOREIGN_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Tokens:
    """The tokens of an administrator, and such as others make of them."""

    stack: StackUnderTest
    administration: Administration
    user: User

    @cached_property
    def good(self) -> str:
        """The ID token that the API takes."""
        return self.administration.sign_in(self.user).id_token

    @property
    def head(self) -> dict[str, Any]:
        return jwt.get_unverified_header(self.good)

    @property
    def claims(self) -> dict[str, Any]:
        found: dict[str, Any] = jwt.decode(self.good, options={"verify_signature": False})
        return found

    @property
    def own_key(self) -> rsa.RSAPrivateKey:
        """The key of the embedded AWS that signs the pool's ID tokens."""
        folder = self.stack.local.state / "aws" / "services" / "cognito-pool-keys"
        pem = (folder / f"{self.administration.pool.user_pool_id}-id.pem").read_bytes()
        key = load_pem_private_key(pem, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key

    def signed(self, *, key: rsa.RSAPrivateKey | None = None, **claims: Any) -> str:
        """Return a token with other claims, those that are None left out; signed by the pool's own key by default."""
        changed = {name: value for name, value in {**self.claims, **claims}.items() if value is not None}
        return jwt.encode(changed, key or self.own_key, "RS256", headers=self.head)

    def unsigned(self) -> str:
        return jwt.encode(self.claims, None, "none", headers={"kid": self.head["kid"]})

    def without_its_signature(self) -> str:
        return self.good.rpartition(".")[0] + "."

    def with_an_altered_claim(self) -> str:
        head, _, signature = self.good.split(".")
        payload = self.signed(**{"cognito:groups": ["operator"]}).split(".")[1]
        return f"{head}.{payload}.{signature}"

    def signed_by_the_public_key(self) -> str:
        """Return a token signed by HMAC with what everybody knows as its secret."""
        pem = self.own_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        said = ".".join(_encoded(json.dumps(part).encode()) for part in ({**self.head, "alg": "HS256"}, self.claims))
        return f"{said}.{_encoded(hmac.digest(pem, said.encode(), hashlib.sha256))}"

    def access(self) -> str:
        return self._renewed()["AccessToken"]

    def refresh(self) -> str:
        return self.administration.sign_in(self.user).refresh_token

    def of_another_client(self) -> str:
        """Return an ID token of the same user and pool, made for a client that is not the service's."""
        pool = self.administration.pool
        made = self.stack.client("cognito-idp").create_user_pool_client(
            UserPoolId=pool.user_pool_id, ClientName=unique("client"), ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"]
        )
        other = Pool(pool.region, pool.user_pool_id, made["UserPoolClient"]["ClientId"], pool.endpoint)
        return self.administration.sign_in(self.user, other).id_token

    def _renewed(self) -> dict[str, str]:
        pool = self.administration.pool
        answer = cognito.call(pool, "GetTokensFromRefreshToken", ClientId=pool.client_id, RefreshToken=self.refresh())
        found: dict[str, str] = answer["AuthenticationResult"]
        return found


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
