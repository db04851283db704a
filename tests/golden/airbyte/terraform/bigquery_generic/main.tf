# Provider 1.x: generic resources; the configuration by a data source, as JSON, as a heredoc.
data "airbyte_connector_configuration" "github" {
  connector_name = "source-github"
  configuration = {
    repositories = ["acme/app"]
  }
  configuration_secrets = {
    credentials = { personal_access_token = "planted-secret-1" }
  }
}

data "airbyte_connector_configuration" "bigquery" {
  connector_name    = "destination-bigquery"
  connector_version = "2.9.4"

  configuration = {
    project_id       = local.project
    dataset_id       = "github_raw"
    dataset_location = "EU"
  }
  configuration_secrets = {
    credentials_json = var.bigquery_credentials
  }
}

locals {
  project   = "acme-${local.stage}"
  stage     = "analytics"
  workspace = "9924bcd0-99be-453d-ba47-c2c9766f7da5"
}

variable "bigquery_credentials" {
  type      = string
  sensitive = true
}

resource "airbyte_source" "github" {
  name          = "GitHub"
  workspace_id  = local.workspace
  definition_id = data.airbyte_connector_configuration.github.definition_id
  configuration = data.airbyte_connector_configuration.github.configuration_json
}

resource "airbyte_destination" "bigquery" {
  name          = "BigQuery"
  workspace_id  = local.workspace
  definition_id = data.airbyte_connector_configuration.bigquery.definition_id
  configuration = data.airbyte_connector_configuration.bigquery.configuration_json
}

resource "airbyte_destination" "inline" {
  name          = "BigQuery, inline"
  workspace_id  = local.workspace
  definition_id = "22f6c74f-5699-40ff-833c-4a879ea40133"

  configuration = jsonencode({
    project_id       = "ignored"
    dataset_id       = "${local.project}:inline_raw"
    credentials_json = var.bigquery_credentials
  })
}

resource "airbyte_destination_custom" "heredoc" {
  name          = "Postgres, heredoc"
  workspace_id  = local.workspace
  definition_id = "25c5221d-dce2-4163-ade9-739ef790f503"
  configuration = <<-JSON
    {
      "host": "db.internal",
      "port": ${var.port},
      "database": "warehouse",
      "schema": "${local.stage}_raw",
      "password": "${var.password}"
    }
  JSON
}

variable "port" {}
variable "password" { sensitive = true }

resource "airbyte_connection" "issues" {
  name           = "GitHub to BigQuery"
  source_id      = airbyte_source.github.source_id
  destination_id = airbyte_destination.bigquery.destination_id
  configurations = {
    streams = [
      { name = "issues", sync_mode = "incremental_deduped_history" },
      { name = "pull_requests" }, // a comment
    ]
  }
}

resource "airbyte_connection" "inline" {
  name           = "GitHub to BigQuery, inline"
  source_id      = airbyte_source.github.source_id
  destination_id = airbyte_destination.inline.destination_id
  configurations = { streams = [{ name = "releases" }] }
}

resource "airbyte_connection" "heredoc" {
  name           = "GitHub to Postgres"
  source_id      = airbyte_source.github.source_id
  destination_id = airbyte_destination_custom.heredoc.destination_id
  configurations = { streams = [{ name = "stargazers" }] }
}
