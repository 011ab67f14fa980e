select cast(id as bigint) as id, customer, ordered_on, cast(amount as double) as amount
from {{ ref('raw_orders') }}
where amount >= {{ var('least', 0) }}
