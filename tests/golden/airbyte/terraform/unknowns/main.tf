# What only a run of Terraform would know.
variable "schema" {
  description = "No default."
}
variable "streams" { type = list(string) }
variable "prefix" {}

data "terraform_remote_state" "shared" {
  backend = "s3"
}

resource "airbyte_source_stripe" "stripe" {
  name = "Stripe"
}

resource "airbyte_destination_postgres" "dwh" {
  name = "Warehouse"
  configuration = {
    database = "warehouse"
    schema   = "${var.schema}_raw"
    password = "planted-secret-1"
  }
}

resource "airbyte_connection" "schema" {
  name           = "Unknown schema"
  source_id      = airbyte_source_stripe.stripe.source_id
  destination_id = airbyte_destination_postgres.dwh.destination_id
  configurations = { streams = [{ name = "charges" }] }
}

resource "airbyte_connection" "streams" {
  name           = "Unknown streams"
  source_id      = airbyte_source_stripe.stripe.source_id
  destination_id = airbyte_destination_postgres.dwh.destination_id
  configurations = {
    streams = [for name in var.streams : { name = name }]
  }
}

resource "airbyte_connection" "remote" {
  name           = "Elsewhere"
  source_id      = airbyte_source_stripe.stripe.source_id
  destination_id = data.terraform_remote_state.shared.outputs.destination_id
  prefix         = var.prefix
  configurations = {
    streams = [
      { name = "refunds" },
      { name = data.terraform_remote_state.shared.outputs.stream },
    ]
  }
}

resource "airbyte_connection" "everything" {
  name           = "All that there is"
  source_id      = airbyte_source_stripe.stripe.source_id
  destination_id = airbyte_destination_postgres.dwh.destination_id
}

resource "airbyte_connection" "each" {
  for_each       = toset(local.loop)
  source_id      = airbyte_source_stripe.stripe.source_id
  destination_id = airbyte_destination_postgres.dwh.destination_id
  configurations = { streams = [{ name = each.key }] }
}

locals {
  loop  = [for name in local.pool : upper(name)]
  pool  = local.loop
  stamp = timestamp()
}

resource "airbyte_connection" "stamped" {
  name                 = "Stamped"
  source_id            = airbyte_source_stripe.stripe.source_id
  destination_id       = airbyte_destination_postgres.dwh.destination_id
  namespace_definition = "custom_format"
  namespace_format     = "raw_${local.stamp}"
  configurations       = { streams = [{ name = "disputes" }] }
}
