"""Terraform: folders of HCL, state files and ``terraform show -json`` -> connections.

Nothing here runs Terraform, and python-hcl2 is imported only when there is HCL to parse.
"""

from toolkit.integrations.airbyte.readers.terraform.reader import TerraformReader

__all__ = ["TerraformReader"]
