{#-
  Models as Iceberg tables, written by DuckDB.

  DuckDB's extension can neither rename nor alter Iceberg tables, so nothing is built beside and
  swapped in: a table that keeps its columns is refilled in one commit, any other is dropped and
  made again.
-#}

{% materialization table, adapter="duckdb", supported_languages=['sql', 'python'] %}
  {%- set existing = load_cached_relation(this) -%}
  {%- set target = this.incorporate(type='table') -%}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% do openlake_replace(existing, target) %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {% do adapter.openlake_settle() %}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}


{% materialization incremental, adapter="duckdb", supported_languages=['sql', 'python'] %}
  {%- set existing = load_cached_relation(this) -%}
  {%- set target = this.incorporate(type='table') -%}
  {% do openlake_check_incremental() %}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% if existing is none or should_full_refresh() %}
    {% do openlake_replace(existing, target) %}
  {% else %}
    {% do openlake_increment(target) %}
  {% endif %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {% do adapter.openlake_settle() %}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({'relations': [target]}) }}
{% endmaterialization %}


{% materialization view, adapter="duckdb" %}
  {% do exceptions.raise_compiler_error(
    "DuckDB cannot make views in the lakehouse's catalog; set 'materialized' to table, incremental"
    ~ " or ephemeral (for all models: '+materialized: table' under 'models:' in dbt_project.yml),"
    ~ " or run the task on the warehouse 'trino'"
  ) %}
{% endmaterialization %}


{% macro openlake_replace(existing, target) %}
  {#- Fill the target with the model's rows, whatever it holds now. -#}
  {%- set stage = openlake_stage(target) -%}
  {%- set columns = openlake_stored_columns(stage) -%}
  {%- set rows = openlake_casted(stage, columns) -%}
  {% if existing is not none and openlake_columns(target) == columns %}
    {% do adapter.ensure_transaction() %}
    {% do run_query('delete from ' ~ target) %}
    {% do openlake_main('insert into ' ~ target ~ ' ' ~ rows) %}
  {% else %}
    {% if existing is not none %}
      {% do adapter.drop_relation(existing) %}
    {% endif %}
    {% do openlake_main('create table ' ~ target ~ ' as ' ~ rows) %}
  {% endif %}
  {% do run_query('drop table ' ~ stage) %}
{% endmacro %}


{% macro openlake_increment(target) %}
  {#- Delete what the model's rows replace, then insert them: one commit. -#}
  {%- set stage = openlake_stage(target) -%}
  {%- set strategy = config.get('incremental_strategy') or 'default' -%}
  {%- set unique_key = config.get('unique_key') -%}
  {%- set has = openlake_columns(target) | map('first') | list -%}
  {%- set given = openlake_columns(stage) | map('first') | list -%}
  {% if (has | map('lower') | list) != (given | map('lower') | list)
        and config.get('on_schema_change', 'ignore') != 'ignore' %}
    {% do exceptions.raise_compiler_error(
      "the columns of " ~ target ~ " have changed from (" ~ has | join(', ') ~ ") to ("
      ~ given | join(', ') ~ "); run it once with --full-refresh"
    ) %}
  {% endif %}
  {% do adapter.ensure_transaction() %}
  {% if strategy != 'append' and unique_key %}
    {% do run_query(openlake_delete(target, stage, unique_key)) %}
  {% endif %}
  {%- set names = [] -%}
  {% for name in has %}{% do names.append(adapter.quote(name)) %}{% endfor %}
  {%- set names = names | join(', ') -%}
  {% do openlake_main('insert into ' ~ target ~ ' (' ~ names ~ ') select ' ~ names ~ ' from ' ~ stage) %}
  {% do run_query('drop table ' ~ stage) %}
{% endmacro %}


{% macro openlake_delete(target, stage, unique_key) %}
  {%- set keys = [unique_key] if unique_key is string else unique_key -%}
  delete from {{ target }} where exists (
    select 1 from {{ stage }} as new_rows where
    {%- for key in keys %}
    {{ 'and ' if not loop.first }}new_rows.{{ key }} = {{ target.identifier }}.{{ key }}
    {%- endfor %}
  )
  {%- for predicate in (config.get('incremental_predicates') or config.get('predicates') or []) %}
  and {{ predicate }}
  {%- endfor %}
{% endmacro %}


{% macro openlake_check_incremental() %}
  {%- set strategy = config.get('incremental_strategy') or 'default' -%}
  {% if strategy not in ['default', 'append', 'delete+insert'] %}
    {% do exceptions.raise_compiler_error(
      "DuckDB cannot '" ~ strategy ~ "' into Iceberg tables; set 'incremental_strategy' to"
      ~ " delete+insert or append, or run the task on the warehouse 'trino'"
    ) %}
  {% endif %}
{% endmacro %}


{% macro openlake_stage(target) %}
  {#- Run the model once, into a temporary table: it may read the very table that it fills. -#}
  {%- set stage = make_temp_relation(target) -%}
  {% if model['language'] == 'python' %}
    {% call statement('stage', language='python') %}
      {{- py_write_table(temporary=True, relation=stage, compiled_code=compiled_code) }}
    {% endcall %}
  {% else %}
    {% if config.get('contract').enforced %}
      {% do get_assert_columns_equivalent(compiled_code) %}
    {% endif %}
    {% if config.get('sql_header') %}
      {% do run_query(config.get('sql_header')) %}
    {% endif %}
    {% do run_query('create temporary table ' ~ stage ~ ' as (' ~ compiled_code ~ '\n)') %}
  {% endif %}
  {{ return(stage) }}
{% endmacro %}


{% macro openlake_main(sql) %}
  {#- Run the statement that makes the model, and tell how many rows it wrote. -#}
  {%- set counted = run_query(sql) -%}
  {%- set rows = counted.columns[0].values()[0] | int if counted and counted | length else 0 -%}
  {% call noop_statement('main', message='OK ' ~ rows, code='OK', rows_affected=rows) %}
    {{- sql -}}
  {% endcall %}
{% endmacro %}
