"""`sbom`: prints the software bill of materials of a stack."""

import click

from novaflow.cli.arguments import stack_arguments
from novaflow.cli.output import print_json
from novaflow.runtime.software_report import describe_installed_software
from novaflow.runtime.stack import Stack


@click.command("sbom")
@stack_arguments
def command(*, stack: Stack) -> None:
    """Print the software of the stack as one CycloneDX 1.6 JSON object, for scanners of vulnerabilities and licences.

    It lists the packages in the Python environments of DIR, with version, licence and package URL, and those packages of the
    distribution that the components of the stack name, with version and package URL. The exit code is 2 if nothing is installed.

    Example: sudo novaflow sbom > nova.cdx.json
    """
    print_json(describe_installed_software(stack))
