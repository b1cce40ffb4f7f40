"""The templates of flows: what each one expects, and what to have at hand before a flow is made of it."""

from __future__ import annotations

from rosterbridge.flows.models import Model, Template
from rosterbridge.roster.options import ConversionOptions

FOR_EVERY_FLOW = (
    "An SFTP client, or a school information system that uploads by SFTP.",
    "How that client signs in: with a password that Rosterbridge makes and shows once, or with a key pair whose "
    "public half you have at hand (ed25519, ECDSA, or RSA of at least 3,072 bits).",
    "The user name and the password for SFTP from Apple School Manager: sign in there, choose to connect by SFTP, "
    "and copy both. The domain of your Managed Apple Accounts must be verified first.",
    "The format of your Managed Apple Accounts, because a value that it is made of, such as the e-mail address, may "
    "then not be empty.",
    "That each upload is complete: Apple deactivates people who were in an earlier upload and are missing in this one.",
)


class FlowTemplate(Model):
    """What a flow can be made from; ``needs`` are sentences, ``files`` what the ZIP must hold."""

    id: Template
    name: str
    description: str
    needs: tuple[str, ...]
    files: tuple[str, ...]
    options: ConversionOptions


def default_options(template: Template) -> ConversionOptions:
    """Return the options of a flow that names none."""
    return next(known.options for known in flow_templates() if known.id == template)


def flow_templates() -> tuple[FlowTemplate, ...]:
    """Return all templates."""
    from rosterbridge.roster import schemas
    from rosterbridge.roster.formats import MANIFEST

    return (
        FlowTemplate(
            id="oneroster-csv",
            name="OneRoster CSV",
            description="A ZIP of OneRoster 1.1 or 1.2 CSV files is checked, converted to Apple's format and sent on.",
            needs=("Your roster as OneRoster CSV files in one ZIP; of OneRoster 1.2 also roles.csv.", *FOR_EVERY_FLOW),
            files=(MANIFEST, *schemas.oneroster("1.1").apple),
            options=ConversionOptions(),
        ),
        FlowTemplate(
            id="asm-csv",
            name="Apple School Manager CSV",
            description="A ZIP of Apple's six CSV files is checked and sent on as it is.",
            needs=(
                "Your roster in Apple's six CSV files in one ZIP, all six also when one of them has not changed.",
                *FOR_EVERY_FLOW,
            ),
            files=tuple(schemas.asm()),
            options=ConversionOptions(),
        ),
    )
