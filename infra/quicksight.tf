# Off unless quicksight_user is set, because of its price; planned and validated only, since no emulator here has it, and
# left to a person to apply (GitHub's deploy role may read it, not make it). Data sets ask Athena directly: the lake is small, and SPICE
# would need refreshes of its own. The QuickSight subscription itself is made by hand, once an account, as is its leave
# to read Athena and the two buckets.

locals {
  quicksight      = var.quicksight_user == null ? {} : { user = var.quicksight_user }
  quicksight_user = "arn:${local.partition}:quicksight:${local.arn_suffix}:user/default/${coalesce(var.quicksight_user, "nobody")}"

  # Identifier: what it shows, its SQL, its columns. Two years of days at most, so that no refresh reads the whole lake.
  data_sets = {
    prices = {
      sql     = <<-SQL
        SELECT CAST(dt AS date) AS day, ticker, close, volume,
               100 * (close / lag(close) OVER (PARTITION BY ticker ORDER BY dt) - 1) AS move_percent
        FROM ${local.names.database}.ftse100_prices
        WHERE dt >= CAST(current_date - INTERVAL '2' YEAR AS varchar)
      SQL
      columns = { day = "DATETIME", ticker = "STRING", close = "DECIMAL", volume = "INTEGER", move_percent = "DECIMAL" }
    }
    # The last day that has prices, each ticker against its close before that day.
    movers = {
      sql     = <<-SQL
        WITH moves AS (
          SELECT dt, ticker, 100 * (close / lag(close) OVER (PARTITION BY ticker ORDER BY dt) - 1) AS move_percent
          FROM ${local.names.database}.ftse100_prices
          WHERE dt >= CAST(current_date - INTERVAL '20' DAY AS varchar)
        )
        SELECT ticker, move_percent FROM moves WHERE dt = (SELECT max(dt) FROM moves) AND move_percent IS NOT NULL
      SQL
      columns = { ticker = "STRING", move_percent = "DECIMAL" }
    }
    rates = {
      sql     = <<-SQL
        SELECT CAST(dt AS date) AS day, base_currency, target_currency, rate
        FROM ${local.names.database}.fx_rates
        WHERE dt >= CAST(current_date - INTERVAL '2' YEAR AS varchar)
      SQL
      columns = { day = "DATETIME", base_currency = "STRING", target_currency = "STRING", rate = "DECIMAL" }
    }
  }

  # https://docs.aws.amazon.com/quicksight/latest/APIReference/API_ResourcePermission.html
  quicksight_actions = {
    data_source = ["quicksight:DescribeDataSource", "quicksight:DescribeDataSourcePermissions", "quicksight:PassDataSource"]
    data_set    = ["quicksight:DescribeDataSet", "quicksight:DescribeDataSetPermissions", "quicksight:PassDataSet", "quicksight:DescribeIngestion", "quicksight:ListIngestions"]
    dashboard   = ["quicksight:DescribeDashboard", "quicksight:ListDashboardVersions", "quicksight:QueryDashboard"]
  }
}

resource "aws_quicksight_data_source" "athena" {
  for_each = local.quicksight

  data_source_id = "${var.prefix}-athena"
  name           = "${var.prefix} lake"
  type           = "ATHENA"

  parameters {
    athena {
      work_group = aws_athena_workgroup.this.name
    }
  }

  permission {
    principal = local.quicksight_user
    actions   = local.quicksight_actions.data_source
  }
}

resource "aws_quicksight_data_set" "market" {
  for_each = var.quicksight_user == null ? {} : local.data_sets

  data_set_id = "${var.prefix}-${each.key}"
  name        = "${var.prefix} ${each.key}"
  import_mode = "DIRECT_QUERY"

  physical_table_map {
    physical_table_map_id = each.key

    custom_sql {
      data_source_arn = aws_quicksight_data_source.athena["user"].arn
      name            = each.key
      sql_query       = each.value.sql

      dynamic "columns" {
        for_each = each.value.columns
        content {
          name = columns.key
          type = columns.value
        }
      }
    }
  }

  permissions {
    principal = local.quicksight_user
    actions   = local.quicksight_actions.data_set
  }

  # Athena checks the SQL against the catalog when the data set is made.
  depends_on = [aws_glue_catalog_table.dataset]
}
