# The root calls one module for the warehouse and one for each pipeline; one module is remote.
module "warehouse" {
  source   = "./modules/warehouse"
  schema   = "raw"
  password = "planted-secret-1"
}

module "pipeline" {
  source   = "./modules/pipeline"
  for_each = local.pipelines

  name           = each.key
  tables         = each.value
  destination_id = module.warehouse.destination_id
}

module "airbyte_extra" {
  source  = "acme/airbyte-connections/aws"
  version = "1.2.0"
}

module "network" {
  source = "terraform-aws-modules/vpc/aws"
}

locals {
  pipelines = yamldecode(file("${path.module}/pipelines.yml"))
}

output "destination" {
  value = module.warehouse.destination_id
}
