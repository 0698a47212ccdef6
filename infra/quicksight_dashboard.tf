# The QuickSight dashboard: prices, movers, rates, volume. See quicksight.tf for its data and for when it is made.

locals {
  # Lines over days; each is a data set, what is measured, how a day's values are put together, and one line for each of what.
  line_visuals = {
    prices = { title = "Close in pounds", data_set = "prices", value = "close", aggregation = "AVERAGE", color = "ticker" }
    rates  = { title = "Euro reference rates", data_set = "rates", value = "rate", aggregation = "AVERAGE", color = "target_currency" }
    volume = { title = "Shares traded", data_set = "prices", value = "volume", aggregation = "SUM", color = null }
  }
}

resource "aws_quicksight_dashboard" "market" {
  for_each = local.quicksight

  dashboard_id        = "${var.prefix}-market"
  name                = "${var.prefix}: prices, movers, rates, volume"
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

      # Two by two on QuickSight's grid of 36 columns.
      layouts {
        configuration {
          grid_layout {
            dynamic "elements" {
              for_each = ["prices", "movers", "rates", "volume"]
              content {
                element_id   = elements.value
                element_type = "VISUAL"
                column_index = tostring(18 * (elements.key % 2))
                column_span  = 18
                row_index    = tostring(12 * floor(elements.key / 2))
                row_span     = 12
              }
            }
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

                  values {
                    numerical_measure_field {
                      field_id = "${visuals.key}-value"
                      column {
                        data_set_identifier = visuals.value.data_set
                        column_name         = visuals.value.value
                      }
                      aggregation_function {
                        simple_numerical_aggregation = visuals.value.aggregation
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
    }
  }
}
