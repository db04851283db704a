# One connection for each tenant and each of two numbers; names as Terraform has them.
variable "tenants" {
  type = map(object({
    schema  = string
    streams = optional(list(string), ["orders"])
  }))
  default = {
    north = { schema = "north_raw" }
    south = { schema = "south_raw", streams = ["orders", "returns"] }
  }
}

resource "airbyte_source_mysql" "tenant" {
  for_each = var.tenants
  name     = "MySQL ${each.key}"
  configuration = {
    database = each.key
    password = "planted-secret-1"
  }
}

resource "airbyte_destination_postgres" "tenant" {
  for_each = var.tenants
  name     = "Warehouse of ${each.key}"
  configuration = {
    database = "warehouse"
    schema   = each.value.schema
  }
}

resource "airbyte_connection" "tenant" {
  for_each       = var.tenants
  name           = "Tenant"
  source_id      = airbyte_source_mysql.tenant[each.key].source_id
  destination_id = airbyte_destination_postgres.tenant[each.key].destination_id
  configurations = {
    streams = [for name in each.value.streams : { name = name }]
  }
}

resource "airbyte_connection" "numbered" {
  count          = 2
  source_id      = values(airbyte_source_mysql.tenant)[count.index].source_id
  destination_id = values(airbyte_destination_postgres.tenant).*.destination_id[count.index]
  configurations = { streams = [{ name = format("shard_%03d", count.index) }] }
}

resource "airbyte_connection" "none" {
  count          = false ? 1 : 0
  source_id      = airbyte_source_mysql.tenant["north"].source_id
  destination_id = airbyte_destination_postgres.tenant["north"].destination_id
  configurations = { streams = [{ name = "never" }] }
}
