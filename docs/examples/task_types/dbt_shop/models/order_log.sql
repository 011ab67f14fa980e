-- Grows: an order that comes again replaces itself.
{{ config(materialized='incremental', unique_key='id', incremental_strategy='delete+insert') }}
select id, customer, amount from {{ ref('orders') }}
{% if is_incremental() %}
where ordered_on >= (select max(ordered_on) from {{ ref('orders') }})
{% endif %}
