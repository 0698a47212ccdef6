# What the QuickSight dashboard's lines, numbers and controls show, and where each visual is.

locals {
  # Lines over days; each is a data set, the columns measured, how a day's values are put together, and one line for each of what.
  line_visuals = {
    prices = { title = "Close in pounds, and its averages over 20, 50 and 200 days", data_set = "prices", values = ["close", "average_20", "average_50", "average_200"], aggregation = "AVERAGE", color = null }
    volume = { title = "Shares traded", data_set = "prices", values = ["volume"], aggregation = "SUM", color = null }
    rates  = { title = "Euro reference rates", data_set = "rates", values = ["rate"], aggregation = "AVERAGE", color = "target_currency" }
  }

  # One control each; each filters one line visual or more to what is chosen.
  quicksight_pickers = {
    ticker   = { title = "Ticker", data_set = "prices", column = "ticker", first = "AZN.L", visuals = ["prices", "volume"] }
    currency = { title = "Currency", data_set = "rates", column = "target_currency", first = "USD", visuals = ["rates"] }
  }

  # One number each: the latest day, or how many rows.
  kpi_visuals = {
    last-prices = { title = "Last day with prices", data_set = "prices", column = "day", aggregation = "MAX" }
    last-rates  = { title = "Last day with rates", data_set = "rates", column = "day", aggregation = "MAX" }
    put-aside   = { title = "Rows put aside by Validate", data_set = "quarantine", column = "symbol", aggregation = "COUNT" }
  }

  # QuickSight's grid has 36 columns: element, first column, columns, first row, rows.
  quicksight_layout = [
    ["last-prices", 0, 12, 0, 5], ["last-rates", 12, 12, 0, 5], ["put-aside", 24, 12, 0, 5],
    ["prices", 0, 36, 5, 12],
    ["volume", 0, 18, 17, 10], ["rates", 18, 18, 17, 10],
    ["movers", 0, 14, 27, 16], ["sectors", 14, 22, 27, 16],
  ]
}
