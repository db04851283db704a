locals {
  warehouse = "Snowflake ${local.suffix}"
  suffix    = title(var.environment)

  streams = [
    { name = "customers" },
    { name = "orders" },
    { name = "countries", incremental = false },
    { name = "invoices", namespace = "billing" },
    { name = "audit_log" },
  ]
}
