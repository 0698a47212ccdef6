# The QuickSight dashboard: the questions of `marketlake dashboard`, as far as QuickSight can put them. See quicksight.tf
# for its data and for when it is made.

locals {
  # Lines over days; each is a data set, the columns measured, how a day's values are put together, and one line for each of what.
  line_visuals = {
    prices = { title = "Close in the share's currency, its averages over 20, 50 and 200 days, and the close adjusted for dividends", data_set = "prices", values = ["close", "average_20", "average_50", "average_200", "adj_close"], aggregation = "AVERAGE", color = null }
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
    last-prices = { title = "Last day with prices", data_set = "prices", aggregation = "MAX" }
    last-rates  = { title = "Last day with rates", data_set = "rates", aggregation = "MAX" }
    quarantined = { title = "Quarantined rows", data_set = "quarantine", aggregation = "COUNT" }
    flagged     = { title = "Rows with a value in doubt", data_set = "flagged", aggregation = "COUNT" }
  }

  # QuickSight's grid has 36 columns: element, first column, columns, first row, rows.
  quicksight_layout = [
    ["last-prices", 0, 9, 0, 5], ["last-rates", 9, 9, 0, 5], ["quarantined", 18, 9, 0, 5], ["flagged", 27, 9, 0, 5],
    ["prices", 0, 36, 5, 12],
    ["volume", 0, 18, 17, 10], ["rates", 18, 18, 17, 10],
    ["movers", 0, 14, 27, 16], ["sectors", 14, 22, 27, 16],
  ]
}

resource "aws_quicksight_dashboard" "market" {
  for_each = local.quicksight

  dashboard_id        = "${var.prefix}-market"
  name                = "${var.prefix}: prices, movers, sectors, rates, volume, freshness"
  version_description = "From Terraform"

  permissions {
    principal = local.quicksight_user
    actions   = local.quicksight_actions.dashboard
  }

  definition {
    dynamic "data_set_identifiers_declarations" {
      for_each = aws_quicksight_data_set.market
      content {
        identifier   = data_set_identifiers_declarations.key
        data_set_arn = data_set_identifiers_declarations.value.arn
      }
    }

    sheets {
      sheet_id = "market"
      name     = "Market"

      layouts {
        configuration {
          grid_layout {
            dynamic "elements" {
              for_each = local.quicksight_layout
              content {
                element_id   = elements.value[0]
                element_type = "VISUAL"
                column_index = tostring(elements.value[1])
                column_span  = elements.value[2]
                row_index    = tostring(elements.value[3])
                row_span     = elements.value[4]
              }
            }
          }
        }
      }

      dynamic "filter_controls" {
        for_each = local.quicksight_pickers
        content {
          dropdown {
            filter_control_id = "${filter_controls.key}-control"
            source_filter_id  = "${filter_controls.key}-filter"
            title             = filter_controls.value.title
            type              = "SINGLE_SELECT"
          }
        }
      }

      dynamic "visuals" {
        for_each = local.line_visuals
        content {
          line_chart_visual {
            visual_id = visuals.key

            title {
              visibility = "VISIBLE"
              format_text {
                plain_text = visuals.value.title
              }
            }

            chart_configuration {
              type = "LINE"

              field_wells {
                line_chart_aggregated_field_wells {
                  category {
                    date_dimension_field {
                      field_id         = "${visuals.key}-day"
                      date_granularity = "DAY"
                      column {
                        data_set_identifier = visuals.value.data_set
                        column_name         = "day"
                      }
                    }
                  }

                  dynamic "values" {
                    for_each = visuals.value.values
                    content {
                      numerical_measure_field {
                        field_id = "${visuals.key}-${values.value}"
                        column {
                          data_set_identifier = visuals.value.data_set
                          column_name         = values.value
                        }
                        aggregation_function {
                          simple_numerical_aggregation = visuals.value.aggregation
                        }
                      }
                    }
                  }

                  dynamic "colors" {
                    for_each = visuals.value.color == null ? [] : [visuals.value.color]
                    content {
                      categorical_dimension_field {
                        field_id = "${visuals.key}-color"
                        column {
                          data_set_identifier = visuals.value.data_set
                          column_name         = colors.value
                        }
                      }
                    }
                  }
                }
              }
            }
          }
        }
      }

      visuals {
        bar_chart_visual {
          visual_id = "movers"

          title {
            visibility = "VISIBLE"
            format_text {
              plain_text = "Move on the last day, in percent"
            }
          }

          chart_configuration {
            orientation      = "HORIZONTAL"
            bars_arrangement = "CLUSTERED"

            field_wells {
              bar_chart_aggregated_field_wells {
                category {
                  categorical_dimension_field {
                    field_id = "movers-ticker"
                    column {
                      data_set_identifier = "movers"
                      column_name         = "ticker"
                    }
                  }
                }

                values {
                  numerical_measure_field {
                    field_id = "movers-value"
                    column {
                      data_set_identifier = "movers"
                      column_name         = "move_percent"
                    }
                    aggregation_function {
                      simple_numerical_aggregation = "AVERAGE"
                    }
                  }
                }
              }
            }

            sort_configuration {
              category_sort {
                field_sort {
                  field_id  = "movers-value"
                  direction = "DESC"
                }
              }
            }
          }
        }
      }

      visuals {
        tree_map_visual {
          visual_id = "sectors"

          title {
            visibility = "VISIBLE"
            format_text {
              plain_text = "Sectors on the last day: size is pounds traded, colour the move in percent"
            }
          }

          chart_configuration {
            color_scale {
              color_fill_type = "GRADIENT"

              dynamic "colors" {
                for_each = { "-2" = "#D6493F", "0" = "#E8EBEF", "2" = "#2F9E63" }
                content {
                  data_value = tonumber(colors.key)
                  color      = colors.value
                }
              }
            }

            field_wells {
              tree_map_aggregated_field_wells {
                groups {
                  categorical_dimension_field {
                    field_id = "sectors-sector"
                    column {
                      data_set_identifier = "movers"
                      column_name         = "sector"
                    }
                  }
                }

                sizes {
                  numerical_measure_field {
                    field_id = "sectors-traded"
                    column {
                      data_set_identifier = "movers"
                      column_name         = "traded_pounds"
                    }
                    aggregation_function {
                      simple_numerical_aggregation = "SUM"
                    }
                  }
                }

                colors {
                  numerical_measure_field {
                    field_id = "sectors-move"
                    column {
                      data_set_identifier = "movers"
                      column_name         = "move_percent"
                    }
                    aggregation_function {
                      simple_numerical_aggregation = "AVERAGE"
                    }
                  }
                }
              }
            }
          }
        }
      }

      dynamic "visuals" {
        for_each = local.kpi_visuals
        content {
          kpi_visual {
            visual_id = visuals.key

            title {
              visibility = "VISIBLE"
              format_text {
                plain_text = visuals.value.title
              }
            }

            chart_configuration {
              field_wells {
                values {
                  date_measure_field {
                    field_id             = "${visuals.key}-value"
                    aggregation_function = visuals.value.aggregation
                    column {
                      data_set_identifier = visuals.value.data_set
                      column_name         = "day"
                    }
                  }
                }
              }
            }
          }
        }
      }
    }

    dynamic "filter_groups" {
      for_each = local.quicksight_pickers
      content {
        filter_group_id = "${filter_groups.key}-group"
        cross_dataset   = "SINGLE_DATASET"
        status          = "ENABLED"

        filters {
          category_filter {
            filter_id = "${filter_groups.key}-filter"
            column {
              data_set_identifier = filter_groups.value.data_set
              column_name         = filter_groups.value.column
            }
            configuration {
              filter_list_configuration {
                match_operator  = "CONTAINS"
                category_values = [filter_groups.value.first]
              }
            }
          }
        }

        scope_configuration {
          selected_sheets {
            sheet_visual_scoping_configurations {
              sheet_id   = "market"
              scope      = "SELECTED_VISUALS"
              visual_ids = filter_groups.value.visuals
            }
          }
        }
      }
    }
  }
}
