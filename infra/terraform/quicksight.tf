# Off unless quicksight_user is set, because of its price; planned and validated only, since no emulator here has it, and
# left to a person to apply (GitHub's deploy role may read it, not make it). Data sets ask Athena directly: the lake is small, and SPICE
# would need refreshes of its own. The QuickSight subscription itself is made by hand, once an account, as is its leave
# to use Athena, to read the raw, clean and artifacts buckets and to write to the results bucket: docs/operations.md.

locals {
  quicksight = var.quicksight_user == null ? {} : { user = var.quicksight_user }
  # Users are in the account's identity region, whatever region shows them dashboards.
  quicksight_user = "arn:${local.partition}:quicksight:${var.quicksight_identity_region}:${local.account_id}:user/default/${coalesce(var.quicksight_user, "nobody")}"

  # Identifier: what it shows, its SQL, its columns. Two years of days at most, so that no refresh reads the whole lake.
  data_sets = {
    # The averages are those of assets/queries/closes_and_averages.sql.
    prices = {
      sql     = <<-SQL
        SELECT CAST(dt AS date) AS day, ticker, close, adj_close, currency, volume,
               CASE WHEN place >= 20 THEN of_20 END AS average_20,
               CASE WHEN place >= 50 THEN of_50 END AS average_50,
               CASE WHEN place >= 200 THEN of_200 END AS average_200
        FROM (
          SELECT dt, ticker, close, adj_close, currency, volume,
                 row_number() OVER (PARTITION BY ticker ORDER BY dt) AS place,
                 avg(close) OVER (PARTITION BY ticker ORDER BY dt ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS of_20,
                 avg(close) OVER (PARTITION BY ticker ORDER BY dt ROWS BETWEEN 49 PRECEDING AND CURRENT ROW) AS of_50,
                 avg(close) OVER (PARTITION BY ticker ORDER BY dt ROWS BETWEEN 199 PRECEDING AND CURRENT ROW) AS of_200
          FROM ${local.names.database}.ftse100_prices_adjusted
          WHERE year >= substr(CAST(current_date - INTERVAL '2' YEAR AS varchar), 1, 4)
            AND dt >= CAST(current_date - INTERVAL '2' YEAR AS varchar)
        ) averaged
      SQL
      columns = { day = "DATETIME", ticker = "STRING", close = "DECIMAL", adj_close = "DECIMAL", currency = "STRING", volume = "INTEGER", average_20 = "DECIMAL", average_50 = "DECIMAL", average_200 = "DECIMAL" }
    }
    # The last day that has prices, each ticker against its close before that day; what it traded, in pounds: by the
    # last rates where it is quoted in another currency.
    movers = {
      sql     = <<-SQL
        WITH moves AS (
          SELECT dt, ticker, currency, close * volume AS traded,
                 100 * (close / lag(close) OVER (PARTITION BY ticker ORDER BY dt) - 1) AS move_percent
          FROM ${local.names.database}.ftse100_prices
          WHERE dt >= CAST(current_date - INTERVAL '20' DAY AS varchar)
        ),
        sectors AS (
          SELECT ticker, max_by(sector, valid_from) AS sector FROM ${local.names.database}.constituents GROUP BY ticker
        ),
        rates AS (
          SELECT target_currency, max_by(base_currency, dt) AS base_currency, max_by(rate, dt) AS rate
          FROM ${local.names.database}.fx_rates
          WHERE dt >= CAST(current_date - INTERVAL '20' DAY AS varchar)
          GROUP BY target_currency
        ),
        worth AS (
          SELECT target_currency AS currency, rate FROM rates
          UNION ALL
          SELECT DISTINCT base_currency AS currency, 1 AS rate FROM rates
        )
        SELECT m.ticker, coalesce(nullif(s.sector, ''), 'unknown') AS sector, m.move_percent,
               CASE WHEN m.currency = 'GBP' THEN m.traded ELSE m.traded * pound.rate / own.rate END AS traded_pounds
        FROM moves m
        LEFT JOIN sectors s ON s.ticker = m.ticker
        LEFT JOIN worth own ON own.currency = m.currency
        LEFT JOIN worth pound ON pound.currency = 'GBP'
        WHERE m.dt = (SELECT max(dt) FROM moves) AND m.move_percent IS NOT NULL
      SQL
      columns = { ticker = "STRING", sector = "STRING", traded_pounds = "DECIMAL", move_percent = "DECIMAL" }
    }
    rates = {
      sql     = <<-SQL
        SELECT CAST(dt AS date) AS day, base_currency, target_currency, rate
        FROM ${local.names.database}.fx_rates_by_year
        WHERE year >= substr(CAST(current_date - INTERVAL '2' YEAR AS varchar), 1, 4)
          AND dt >= CAST(current_date - INTERVAL '2' YEAR AS varchar)
      SQL
      columns = { day = "DATETIME", base_currency = "STRING", target_currency = "STRING", rate = "DECIMAL" }
    }
    # Rows that Validate quarantined, and why.
    quarantine = {
      sql     = <<-SQL
        SELECT CAST(dt AS date) AS day, 'ftse100_prices' AS dataset, ticker AS symbol, reason
        FROM ${local.names.database}.quarantine_ftse100_prices
        WHERE dt >= CAST(current_date - INTERVAL '2' YEAR AS varchar)
        UNION ALL
        SELECT CAST(dt AS date) AS day, 'fx_rates' AS dataset, target_currency AS symbol, reason
        FROM ${local.names.database}.quarantine_fx_rates
        WHERE dt >= CAST(current_date - INTERVAL '2' YEAR AS varchar)
      SQL
      columns = { day = "DATETIME", dataset = "STRING", symbol = "STRING", reason = "STRING" }
    }
    # Rows with a value in doubt, and the rules that say so.
    flagged = {
      sql     = <<-SQL
        SELECT CAST(dt AS date) AS day, 'ftse100_prices' AS dataset, ticker AS symbol, flags
        FROM ${local.names.database}.ftse100_prices_by_year
        WHERE year >= substr(CAST(current_date - INTERVAL '2' YEAR AS varchar), 1, 4)
          AND dt >= CAST(current_date - INTERVAL '2' YEAR AS varchar) AND flags IS NOT NULL
        UNION ALL
        SELECT CAST(dt AS date) AS day, 'fx_rates' AS dataset, target_currency AS symbol, flags
        FROM ${local.names.database}.fx_rates_by_year
        WHERE year >= substr(CAST(current_date - INTERVAL '2' YEAR AS varchar), 1, 4)
          AND dt >= CAST(current_date - INTERVAL '2' YEAR AS varchar) AND flags IS NOT NULL
      SQL
      columns = { day = "DATETIME", dataset = "STRING", symbol = "STRING", flags = "STRING" }
    }
  }

  # What QuickSight's console gives an owner: those of a viewer, and to change, share and delete.
  # https://docs.aws.amazon.com/quicksight/latest/APIReference/API_ResourcePermission.html
  quicksight_actions = { for kind, actions in {
    data_source = ["DescribeDataSource", "DescribeDataSourcePermissions", "PassDataSource", "UpdateDataSource", "DeleteDataSource", "UpdateDataSourcePermissions"]
    data_set    = ["DescribeDataSet", "DescribeDataSetPermissions", "PassDataSet", "DescribeIngestion", "ListIngestions", "UpdateDataSet", "DeleteDataSet", "CreateIngestion", "CancelIngestion", "UpdateDataSetPermissions"]
    dashboard   = ["DescribeDashboard", "ListDashboardVersions", "UpdateDashboardPermissions", "QueryDashboard", "UpdateDashboard", "DeleteDashboard", "DescribeDashboardPermissions", "UpdateDashboardPublishedVersion"]
  } : kind => [for action in actions : "quicksight:${action}"] }
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
  depends_on = [aws_glue_catalog_table.this]
}
