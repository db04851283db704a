# The provider's nested mappers, and the flat shape.
resource "airbyte_source_postgres" "crm" {
  name = "CRM"
}

resource "airbyte_destination_duckdb" "local" {
  name = "DuckDB"
  configuration = {
    destination_path = "/data/crm.duckdb"
    schema           = "crm"
  }
}

resource "airbyte_connection" "crm" {
  name           = "CRM to DuckDB"
  source_id      = airbyte_source_postgres.crm.source_id
  destination_id = airbyte_destination_duckdb.local.destination_id
  configurations = {
    streams = [
      {
        name            = "people"
        sync_mode       = "full_refresh_overwrite"
        selected_fields = [{ field_path = ["id"] }, { field_path = ["email"] }, { field_path = ["address", "city"] }]
        mappers = [
          {
            type = "hashing"
            mapper_configuration = {
              hashing = {
                target_field      = "email"
                method            = "SHA-256"
                field_name_suffix = "_hashed"
              }
            }
          },
          {
            type = "encryption"
            mapper_configuration = {
              encryption = {
                aes = {
                  algorithm         = "AES"
                  target_field      = "phone"
                  field_name_suffix = "_secret"
                  key               = "planted-secret-1"
                  mode              = "CBC"
                  padding           = "PKCS5Padding"
                }
              }
            }
          },
          {
            type = "row-filtering"
            mapper_configuration = {
              row_filtering = {
                conditions = {
                  not = {
                    conditions = [{ equal = { field_name = "country", comparison_value = "XX" } }]
                  }
                }
              }
            }
          },
          {
            type = "field-renaming"
            mapper_configuration = {
              original_field_name = "nm"
              new_field_name      = "name"
            }
          },
          {
            type                 = "field-filtering"
            mapper_configuration = { field_filtering = { target_field = var.field } }
          },
          {
            mapper_configuration = { field_filtering = { target_field = "ssn" } }
          },
        ]
      },
    ]
  }
}

variable "field" {}
