variable "warehouse_path" {
  type    = string
  default = "/data/warehouse.duckdb"
}
variable "tracker_password" {
  type      = string
  sensitive = true
}
resource "airbyte_source_postgres" "tracker" {
  name         = "Web tracker"
  workspace_id = "9924bcd0-99be-453d-ba47-c2c9766f7da5"
  configuration = {
    host     = "tracker.internal"
    port     = 5432
    database = "tracker"
    schemas  = ["public"]
    username = "airbyte"
    password = var.tracker_password
  }
}
resource "airbyte_destination_duckdb" "warehouse" {
  name         = "Warehouse"
  workspace_id = "9924bcd0-99be-453d-ba47-c2c9766f7da5"
  configuration = {
    destination_path = var.warehouse_path
    schema           = "web_events"
  }
}
resource "airbyte_connection" "web" {
  name                 = "Web events"
  source_id            = airbyte_source_postgres.tracker.source_id
  destination_id       = airbyte_destination_duckdb.warehouse.destination_id
  namespace_definition = "destination"
  configurations = {
    streams = [
      { name = "page_views", sync_mode = "incremental_append", cursor_field = ["seen_at"] },
      { name = "signups", sync_mode = "full_refresh_overwrite" },
    ]
  }
}
