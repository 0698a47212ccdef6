# The tables and views that Athena reads. Each is a document of `make package` (infra/package/tables.py), from the
# contracts, assets/queries/views and lookups/lookups.json; the local deployment makes its tables from the same documents.

resource "aws_glue_catalog_database" "lake" {
  name        = local.names.database
  description = "marketlake: daily market data"
}

locals {
  tables_file = "${var.package_dir}/tables.json"
  tables      = { for table in jsondecode(fileexists(local.tables_file) ? templatefile(local.tables_file, local.names) : "[]") : table.Name => table }
}

resource "aws_glue_catalog_table" "this" {
  for_each = local.tables

  database_name = aws_glue_catalog_database.lake.name
  name          = each.key
  description   = each.value.Description
  table_type    = each.value.TableType
  parameters    = each.value.Parameters

  # A view: Trino's definition of it, as CREATE VIEW leaves it in Glue (infra/package/tables.py has the sources).
  view_original_text = can(each.value.View) ? "/* Presto View: ${base64encode(jsonencode(each.value.View))} */" : null
  view_expanded_text = can(each.value.View) ? "/* Presto View */" : null

  dynamic "partition_keys" {
    for_each = each.value.PartitionKeys
    content {
      name    = partition_keys.value.Name
      type    = partition_keys.value.Type
      comment = partition_keys.value.Comment
    }
  }

  storage_descriptor {
    location      = each.value.StorageDescriptor.Location
    input_format  = each.value.StorageDescriptor.InputFormat
    output_format = each.value.StorageDescriptor.OutputFormat

    ser_de_info {
      name                  = try(each.value.StorageDescriptor.SerdeInfo.Name, null)
      serialization_library = each.value.StorageDescriptor.SerdeInfo.SerializationLibrary
      parameters            = each.value.StorageDescriptor.SerdeInfo.Parameters
    }

    dynamic "columns" {
      for_each = each.value.StorageDescriptor.Columns
      content {
        name    = columns.value.Name
        type    = columns.value.Type
        comment = columns.value.Comment
      }
    }
  }
}

# The analysts' small lists, as objects of the tables of their names.

locals {
  lookups = {
    constituents = csvdecode(file(var.constituents_file))
    membership   = csvdecode(file("${local.root}/functions/marketlake/contracts/membership.csv"))
    closing_days = csvdecode(file("${path.module}/lookups/closing_days.csv"))
  }
  lookup_columns = { for name, table in jsondecode(file("${path.module}/lookups/lookups.json")) : name => table.columns[*].name }

  # The table's columns only, in its order, every value in quotes: a list of the user's own needs no more than the
  # pipeline does. The reader ends a row at every line's end, quoted or not. infra/local/lists.py does the same.
  lookup_rows = { for name, columns in local.lookup_columns : name => [
    for row in concat([{ for column in columns : column => column }], local.lookups[name]) :
    [for column in columns : replace(trimspace(replace(try(row[column], ""), "/\\s+/", " ")), "\"", "\"\"")]
  ] }
}

resource "aws_s3_object" "lookup" {
  for_each = local.lookup_rows

  bucket       = aws_s3_bucket.this["artifacts"].id
  key          = "config/tables/${each.key}/${each.key}.csv"
  content      = join("", [for row in each.value : "\"${join("\",\"", row)}\"\n"])
  content_type = "text/csv"

  depends_on = [aws_s3_bucket_versioning.this]
}
