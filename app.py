"""Compose the CDK app from typed settings; needs no credentials and no network."""

import aws_cdk as cdk

from infra.data import Data
from infra.service import Service
from infra.settings import default_context, from_context


def build(app: cdk.App) -> tuple[Data, Service]:
    """Add both stacks to ``app``, and the checks that no synth passes with an unexplained finding."""
    settings = from_context(app)
    data = Data(app, settings)
    service = Service(app, settings, data)
    if not settings.local:
        from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks  # only now: they take a while

        packs = (AwsSolutionsChecks, ServerlessChecks, NIST80053R5Checks)
        cdk.Validations.of(app).add_plugins(*(pack(app) for pack in packs))
    return data, service


if __name__ == "__main__":
    app = cdk.App(context=default_context())
    build(app)
    app.synth()
