# A shop: Postgres to Snowflake, one list of streams for all.
terraform {
  required_providers {
    airbyte = {
      source  = "airbytehq/airbyte"
      version = "0.6.5"
    }
  }
}

provider "airbyte" {
  server_url    = var.airbyte_url
  client_id     = var.airbyte_client_id
  client_secret = var.airbyte_client_secret
}

resource "airbyte_source_postgres" "shop" {
  name         = "Shop database (${var.environment})"
  workspace_id = var.workspace_id
  configuration = {
    host     = "shop.internal"
    port     = 5432
    database = "shop"
    schemas  = ["public", "billing"]
    username = "airbyte"
    password = "planted-secret-1"
  }
}

resource "airbyte_destination_snowflake" "dwh" {
  name         = local.warehouse
  workspace_id = var.workspace_id
  configuration = {
    host      = "xy12345.eu-central-1.snowflakecomputing.com"
    role      = "AIRBYTE_ROLE"
    warehouse = "AIRBYTE_WH"
    database  = "RAW_${upper(var.environment)}"
    schema    = var.schema
    username  = "AIRBYTE"
    credentials = {
      username_and_password = { password = "planted-secret-2" }
    }
  }
}

resource "airbyte_connection" "shop" {
  name                 = "Shop to Snowflake"
  source_id            = airbyte_source_postgres.shop.source_id
  destination_id       = airbyte_destination_snowflake.dwh.destination_id
  status               = var.environment == "prod" ? "active" : "inactive"
  namespace_definition = "custom_format"
  namespace_format     = "$${SOURCE_NAMESPACE}_raw"
  prefix               = "shop_"

  non_breaking_schema_updates_behavior = "propagate_fully"

  schedule = {
    schedule_type   = "cron"
    cron_expression = "0 0 * * * ?"
  }

  configurations = {
    streams = [
      for stream in local.streams : {
        name         = stream.name
        namespace    = try(stream.namespace, "public")
        sync_mode    = try(stream.incremental, true) ? "incremental_deduped_history" : "full_refresh_overwrite"
        cursor_field = try(stream.incremental, true) ? ["updated_at"] : null
        primary_key  = [["id"]]
      } if !contains(var.excluded, stream.name)
    ]
  }
}
