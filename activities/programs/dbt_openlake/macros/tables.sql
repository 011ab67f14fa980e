{#- What other materializations (seeds, snapshots, stored test failures) need on Iceberg tables. -#}

{% macro openlake_columns(relation) %}
  {#- Return the (name, type) pairs of a table, in order. -#}
  {%- set pairs = [] -%}
  {% for row in run_query('describe ' ~ relation) %}
    {% do pairs.append((row[0], row[1])) %}
  {% endfor %}
  {{ return(pairs) }}
{% endmacro %}


{% macro openlake_stored(pairs) %}
  {#- Types that Iceberg lacks become those in which their values are stored. -#}
  {%- set stored_as = fromjson(env_var('OPENLAKE_STORED_AS')) -%}
  {%- set stored = [] -%}
  {% for name, type in pairs %}
    {% do stored.append((name, stored_as.get(type, type))) %}
  {% endfor %}
  {{ return(stored) }}
{% endmacro %}


{% macro openlake_stored_columns(relation) %}
  {{ return(openlake_stored(openlake_columns(relation))) }}
{% endmacro %}


{% macro openlake_casted(source, columns) -%}
  select {% for name, type in columns -%}
    cast({{ adapter.quote(name) }} as {{ type }}) as {{ adapter.quote(name) }}
    {{- ', ' if not loop.last }}
  {%- endfor %} from {{ source }}
{%- endmacro %}


{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
  {%- if temporary -%}
    create temporary table {{ relation.include(database=False, schema=False) }} as ({{ compiled_code }}
    )
  {%- else -%}
    {%- set query = '(' ~ compiled_code ~ '\n)' -%}
    create table {{ relation }} as {{ openlake_casted(query ~ ' as rows_of_model', openlake_stored_columns(query)) }}
  {%- endif -%}
{%- endmacro %}


{% macro duckdb__drop_relation(relation) -%}
  {#- Its own commit: a dropped name is free for a new table only after that. -#}
  {% call statement('drop_relation', auto_begin=False) -%}
    drop {{ relation.type }} if exists {{ relation }}
  {%- endcall %}
  {% do adapter.openlake_settle() %}
{% endmacro %}


{% macro duckdb__truncate_relation(relation) -%}
  {#- TRUNCATE is not part of a transaction on Iceberg tables. -#}
  {% call statement('truncate_relation') -%}
    delete from {{ relation }}
  {%- endcall %}
{% endmacro %}


{% macro duckdb__drop_schema(relation) -%}
  {% for each in adapter.list_relations_without_caching(relation) %}
    {% do adapter.drop_relation(each) %}
  {% endfor %}
  {%- call statement('drop_schema') -%}
    drop schema if exists {{ relation.without_identifier() }}
  {%- endcall -%}
{% endmacro %}


{% macro duckdb__rename_relation(from_relation, to_relation) -%}
  {% do exceptions.raise_compiler_error("DuckDB cannot rename Iceberg tables: " ~ from_relation) %}
{% endmacro %}


{% macro duckdb__alter_relation_add_remove_columns(relation, add_columns, remove_columns) -%}
  {% do exceptions.raise_compiler_error(
    "DuckDB cannot alter Iceberg tables; run " ~ relation ~ " once with --full-refresh"
  ) %}
{% endmacro %}


{% macro duckdb__snapshot_merge_sql(target, source, insert_cols) -%}
  {#- Every column, in the table's order: DuckDB's Iceberg inserts take no other list. -#}
  {%- set given = insert_cols | map('lower') | map('replace', '"', '') | list -%}
  {%- set columns = config.get('snapshot_table_column_names') or get_snapshot_table_column_names() -%}
  update {{ target }} as old
  set {{ columns.dbt_valid_to }} = new.{{ columns.dbt_valid_to }}
  from {{ source }} as new
  where new.{{ columns.dbt_scd_id }} = old.{{ columns.dbt_scd_id }}
    and new.dbt_change_type in ('update', 'delete')
    {%- if config.get('dbt_valid_to_current') %}
    and (old.{{ columns.dbt_valid_to }} = {{ config.get('dbt_valid_to_current') }}
         or old.{{ columns.dbt_valid_to }} is null)
    {%- else %}
    and old.{{ columns.dbt_valid_to }} is null
    {%- endif %};

  insert into {{ target }}
  select {% for name, type in openlake_columns(target) -%}
    {{ adapter.quote(name) if name | lower in given else 'null' }}{{ ', ' if not loop.last }}
  {%- endfor %}
  from {{ source }} as new where new.dbt_change_type = 'insert'
{%- endmacro %}
