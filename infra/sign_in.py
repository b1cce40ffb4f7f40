"""Where users sign in: a Cognito user pool, its groups, its clients, and a district's own provider by settings."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.settings import Settings

GROUPS = {
    "administrator": "Everything of their own organization",
    "operator": "Every organization; creates them and invites their users",
}
ORGANIZATION = "organization_id"
PASSWORD_CHARACTERS = 14
INVITATION_DAYS = 7
SAML_EMAIL = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
INVITATION = """You are invited to Rosterbridge.<br><br>
User name: {username}<br>Password for the first sign-in: {####}<br><br>
It is good for 7 days. At the first sign-in you choose your own."""


class SignIn(Construct):
    """The pool; ``cli`` is its client for the command line. That of the console belongs to the console.

    It belongs to what must survive: a user's organization is written at the user.
    """

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "SignIn")
        self._settings = settings
        self.pool = self._build_pool()
        for name, description in GROUPS.items():
            self.pool.add_group(name.capitalize(), group_name=name, description=description)
        self.domain = self._build_domain()
        self.provider = self._build_provider()
        self.cli = self._build_client(
            self,
            "Cli",
            name="cli",
            auth_flows=cognito.AuthFlow(user_srp=True),
            disable_o_auth=True,
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
        )

    def _build_pool(self) -> cognito.UserPool:
        required = self._settings.second_factor == "required"
        pool = cognito.UserPool(
            self,
            "Pool",
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            keep_original=cognito.KeepOriginalAttrs(email=True),  # a new address counts once it is verified
            standard_attributes=cognito.StandardAttributes(email=cognito.StandardAttribute(required=True)),
            # written when an operator invites the user, and by nobody afterwards
            custom_attributes={ORGANIZATION: cognito.StringAttribute(min_len=1, max_len=64, mutable=False)},
            password_policy=cognito.PasswordPolicy(
                min_length=PASSWORD_CHARACTERS,
                require_lowercase=False,
                require_uppercase=False,
                require_digits=False,
                require_symbols=False,
                temp_password_validity=cdk.Duration.days(INVITATION_DAYS),
            ),
            mfa=cognito.Mfa.REQUIRED if required else cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            user_invitation=cognito.UserInvitationConfig(
                email_subject="Your invitation to Rosterbridge", email_body=INVITATION
            ),
            feature_plan=cognito.FeaturePlan.ESSENTIALS,
            deletion_protection=self._settings.keep_data,
            removal_policy=cdk.RemovalPolicy.RETAIN if self._settings.keep_data else cdk.RemovalPolicy.DESTROY,
        )
        _acknowledge(pool, required=required)
        return pool

    def _build_domain(self) -> cognito.UserPoolDomain:
        prefix = self._settings.sign_in_domain or f"rosterbridge-{self._settings.stage}-{cdk.Aws.ACCOUNT_ID}"
        return self.pool.add_domain(
            "Domain",
            cognito_domain=cognito.CognitoDomainOptions(domain_prefix=prefix),
            managed_login_version=cognito.ManagedLoginVersion.CLASSIC_HOSTED_UI,
        )

    def _build_provider(self) -> cognito.UserPoolIdentityProviderOidc | cognito.UserPoolIdentityProviderSaml | None:
        """Build the provider of the settings; of a user it tells the address, and never the organization or role."""
        settings = self._settings
        if settings.oidc_issuer:
            return cognito.UserPoolIdentityProviderOidc(
                self,
                "Oidc",
                user_pool=self.pool,
                name=settings.identity_provider,
                issuer_url=settings.oidc_issuer,
                client_id=settings.oidc_client_id,
                # a reference that CloudFormation resolves: the secret is in no template
                client_secret=cdk.SecretValue.secrets_manager(settings.oidc_client_secret).unsafe_unwrap(),
                scopes=["openid", "email"],
                attribute_mapping=self._mapping(),
            )
        if settings.saml_metadata_url:
            return cognito.UserPoolIdentityProviderSaml(
                self,
                "Saml",
                user_pool=self.pool,
                name=settings.identity_provider,
                metadata=cognito.UserPoolIdentityProviderSamlMetadata.url(settings.saml_metadata_url),
                attribute_mapping=self._mapping(),
            )
        return None

    @property
    def host(self) -> str:
        """The host of the sign-in page."""
        return f"{self.domain.domain_name}.auth.{cdk.Aws.REGION}.amazoncognito.com"

    @property
    def provider_email(self) -> str:
        """What the provider calls a user's e-mail address: by it the user is linked to the one who was invited."""
        usual = "email" if self._settings.oidc_issuer else SAML_EMAIL
        return self._settings.identity_provider_email or usual

    def _mapping(self) -> cognito.AttributeMapping:
        return cognito.AttributeMapping(email=cognito.ProviderAttribute.other(self.provider_email))

    def build_page_client(self, scope: Construct, urls: Sequence[str]) -> cognito.UserPoolClient:
        """Build the client of a page without a secret: authorization code with PKCE, and nothing before it has a URL.

        Its access tokens change nothing at the user, since they lack Cognito's own scope.
        """
        providers = [cognito.UserPoolClientIdentityProvider.COGNITO]
        if self.provider:
            providers.append(cognito.UserPoolClientIdentityProvider.custom(self.provider.provider_name))
        browser = cognito.OAuthSettings(
            flows=cognito.OAuthFlows(authorization_code_grant=True),
            scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL],
            callback_urls=list(urls),
            logout_urls=list(urls),
        )
        return self._build_client(
            scope,
            "Client",
            name="console",
            auth_flows=cognito.AuthFlow(user_srp=False),  # said, or Cognito would allow it: refreshing alone is left
            supported_identity_providers=providers,
            **({"o_auth": browser} if urls else {"disable_o_auth": True}),
        )

    def _build_client(
        self, scope: Construct, construct_id: str, *, name: str, **options: object
    ) -> cognito.UserPoolClient:
        """Build a public client; what it may write leaves out the organization, which users must not choose."""
        tokens = cdk.Duration.minutes(self._settings.token_minutes)
        return cognito.UserPoolClient(
            scope,
            construct_id,
            user_pool=self.pool,
            user_pool_client_name=name,
            generate_secret=False,
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=tokens,
            id_token_validity=tokens,
            refresh_token_validity=cdk.Duration.days(self._settings.refresh_days),
            read_attributes=cognito.ClientAttributes()
            .with_standard_attributes(email=True, email_verified=True)
            .with_custom_attributes(ORGANIZATION),
            write_attributes=cognito.ClientAttributes().with_standard_attributes(email=True),
            **options,  # type: ignore[arg-type]
        )


def _acknowledge(pool: cognito.UserPool, *, required: bool) -> None:
    acknowledge(
        pool,
        {
            "AwsSolutions-COG1": "14 characters at least, and a second factor; rules of composition make no "
            "password stronger (NIST SP 800-63B)",
            "AwsSolutions-COG8": "Threat protection, which that plan adds, is paid for each user; a second factor "
            "protects better",
            **({} if required else {"AwsSolutions-COG2": "The deployment's setting second_factor says so"}),
        },
    )
